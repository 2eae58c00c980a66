# One image for every process of the stack; docker-compose.yml says which.

FROM python:3.12-slim AS install
WORKDIR /app
RUN python -m venv /venv
COPY pyproject.toml constraints.txt LICENSE ./
# Installed in place while the packages are still empty: a changed line of code installs nothing anew.
RUN --mount=type=cache,target=/root/.cache/pip \
    mkdir kit service loadtest && touch README.md kit/__init__.py service/__init__.py loadtest/__init__.py \
    && /venv/bin/pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[postgres]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin kit \
    && install -d -o kit -g kit /app /app/.kit /data /faults /spill
COPY --from=install /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2
WORKDIR /app
COPY . .
RUN python -m compileall -q kit service loadtest
USER kit
CMD ["kit", "--help"]
