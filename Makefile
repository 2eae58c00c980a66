.DEFAULT_GOAL := help
.PHONY: help up test lint format check clean bench-replay bench-local-aws bench-telemetry verify-telemetry matrix-live
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes at a time; 0 runs all tests in one.
SIDE_BY_SIDE ?= 3

help: ## Show what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# make's own $(error ...), so that a missing or old Python is one line and nothing else.
define need_python
$(if $(shell command -v $(PYTHON)),,$(error $(PYTHON) is not on the PATH. Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)))\
$(if $(shell $(PYTHON) -c 'import sys; print("new" * (sys.version_info >= (3, 11)))'),,$(error $(shell $(PYTHON) --version 2>&1) is too old. Install Python 3.11 or newer, or name yours: make PYTHON=python3.12 $(MAKECMDGOALS)))
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	$(need_python)
	@echo "Installing into $(VENV) (about a minute, once) ..."
	@$(PYTHON) -m venv --clear $(VENV) || { echo "make: $(PYTHON) cannot make virtual environments. Install its venv module (Debian and Ubuntu: python3-venv)." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the development tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,postgres]'
	@touch $@

up: $(VENV)/.installed ## Start everything in the foreground and print the addresses; Ctrl-C stops it
	@exec $(BIN)/kit up

test: $(VENV)/.installed-dev ## Run all tests, three processes at a time
	@$(BIN)/python -m pytest -n $(SIDE_BY_SIDE) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.installed-dev ## Check style and types (ruff, mypy strict)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/.installed-dev ## Format the code
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

check: $(VENV)/.installed ## See that alarms and dashboards are sound and agree with slos/, offline
	@$(BIN)/kit check && $(BIN)/kit slo generate --check

bench-replay: $(VENV)/.installed ## Replay a week of burn-rate alarms, beside promtool
	@$(BIN)/python -m bench.replay $(ARGS)

bench-local-aws: $(VENV)/.installed ## Measure the embedded AWS beside moto and ministack
	@$(BIN)/python -m bench.local_aws $(ARGS)

bench-telemetry: $(VENV)/.installed ## What telemetry costs a request, beside stock instrumentation
	@$(BIN)/python -m bench.telemetry $(ARGS)

verify-telemetry: $(VENV)/.installed ## Whether telemetry loses nothing, by id, in good times and bad
	@$(BIN)/python -m bench.verify_telemetry $(ARGS)

matrix-live: $(VENV)/.installed ## Play all game days on the local stack and write docs/detection-matrix.md
	@$(BIN)/python -m bench.matrix $(ARGS)

clean: ## Remove the virtual environment and everything a run left behind
	@rm -rf $(VENV) .kit .pytest_cache .mypy_cache .ruff_cache .hypothesis
