"""Our options on Locust's command line, read once: its page lets anybody who reaches it change the parsed ones.

Each has an environment variable, so that a blind round's names need not stand in the list of processes.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import gmtime, strftime

from locust.argument_parser import LocustArgumentParser

from loadtest import objectives, scenario, shapes
from loadtest.controls import ControlError, Controls, read_token, url_of
from loadtest.objectives import Objective
from loadtest.scenario import Scenario, ScenarioError

RUN = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class OptionError(Exception):
    """An option cannot be used; one line."""


@dataclass(frozen=True, slots=True)
class Options:
    """What Locust was started with."""

    run: str
    run_dir: Path | None
    scenario: Scenario | None
    controls: Controls
    objectives: tuple[Objective, ...]
    blind: bool


def add(parser: LocustArgumentParser) -> None:
    """Put our options beside Locust's. None of them shows in its page."""
    for flag, variable, more in (
        (
            "--shape",
            "LOADTEST_SHAPE",
            {
                "choices": shapes.names(),
                "default": "steady",
                "help": "How the number of users changes over time (default: steady, as many as --users says).",
            },
        ),
        ("--slo", "LOADTEST_SLO", {"help": "What the checkouts must keep, e.g. availability=99,latency=99:300ms."}),
        ("--scenario", "LOADTEST_SCENARIO", {"help": "A game day's file: its load and its schedule are run."}),
        (
            "--fault-url",
            "LOADTEST_FAULT_URL",
            {"action": "append", "help": "A service's fault control; may be given several times."},
        ),
        (
            "--fault-token-file",
            "LOADTEST_FAULT_TOKEN_FILE",
            {"help": "Where the fault controls' token stands (default: it is in FAULTS_TOKEN)."},
        ),
        ("--run-dir", "LOADTEST_RUN_DIR", {"help": "Where locust.jsonl and requests.csv go."}),
        ("--run-id", "LOADTEST_RUN_ID", {"help": "The run's name at the fault controls (default: from the time)."}),
        (
            "--blind",
            "LOADTEST_BLIND",
            {"action": "store_true", "help": "Show what is done to the services neither in the page nor in the log."},
        ),
    ):
        parser.add_argument(flag, env_var=variable, include_in_web_ui=False, **more)


def read(parsed: Namespace, environ: Mapping[str, str], argv: list[str]) -> Options:
    """All of ours, checked; raises OptionError. A worker needs none of it but ``folder``."""
    try:
        wanted = scenario.read(Path(parsed.scenario)) if parsed.scenario else None
        urls = tuple(url_of(url) for url in parsed.fault_url or ())
        token = read_token(Path(parsed.fault_token_file) if parsed.fault_token_file else None, environ) if urls else ""
        kept = objectives.parse(parsed.slo) if parsed.slo else ()
    except (ScenarioError, ControlError) as error:
        raise OptionError(str(error)) from None
    except ArgumentTypeError as error:
        raise OptionError(f"--slo: {error}") from None
    except ValueError as error:
        raise OptionError(f"--fault-url: {error}") from None
    run = parsed.run_id or strftime("load-%Y%m%dT%H%M%SZ", gmtime())
    if not RUN.fullmatch(run):
        raise OptionError("--run-id: use up to 100 letters, digits and . _ : -")
    if parsed.blind and wanted:
        _refuse_to_tell(wanted, argv)
    return Options(run, folder(parsed), wanted, Controls(urls, token), kept, parsed.blind)


def folder(parsed: Namespace) -> Path | None:
    """The run folder, made if it isn't there; raises OptionError."""
    if not parsed.run_dir:
        return None
    path = Path(parsed.run_dir)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"--run-dir {path}: {error.strerror}") from None
    return path


def _refuse_to_tell(wanted: Scenario, argv: list[str]) -> None:
    """Anybody on the machine can read a command line."""
    line = " ".join(argv)
    names = {wanted.name, *(step.fault for step in wanted.faults() if step.fault)}
    if any(name in line for name in names):
        raise OptionError(
            "--blind: the command line tells the scenario's name; give LOADTEST_SCENARIO, LOADTEST_RUN_DIR and so on"
        )
