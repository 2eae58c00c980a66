"""The processes of the local stack, as data: what runs, with which environment, and how one sees that it answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kit.settings import LOCAL_ACCOUNT, Settings

# Locust paces itself by users: this many keep at least 30 requests/s and 6 checkouts/s going, which the practice
# windows need (a 10 s window must hold more requests than the low-traffic guard).
STEADY_USERS = 40


@dataclass(frozen=True, slots=True)
class Process:
    """One supervised program. ``health`` is the URL that answers 200 once it serves.

    Without a health check ``health`` is empty; ``url`` is too, and ``port`` 0, where nothing is served at all.
    """

    name: str
    argv: tuple[str, ...]
    title: str
    url: str
    health: str
    port: int
    environ: Mapping[str, str] = field(default_factory=dict)


def processes(settings: Settings, token: str) -> tuple[Process, ...]:
    """All programs of the stack. ``token`` is the bearer token of the fault control.

    On a stage that isn't this machine there is no local AWS, and no fault control where the stage refuses faults.
    """
    ports = settings.ports
    kit = (sys.executable, "-m", "kit")
    local_aws = (
        Process(
            "aws",
            (
                *(*kit, "emulate", "--port", str(ports.aws), "--xray-port", str(ports.xray)),
                *("--data", str(kept_dir(settings))),
            ),
            "local AWS",
            _url(ports.aws),
            _url(ports.aws, "/_kit/health"),
            ports.aws,
        ),
    )
    faults = (
        _faults(settings, "payments", ports.payments_faults, token),
        _faults(settings, "shop", ports.shop_faults, token),
    )
    return (
        *(local_aws if settings.stage.local else ()),
        _service(settings, "payments", ports.payments),
        _service(settings, "shop", ports.shop, PAYMENTS_URL=_url(ports.payments)),
        *(faults if settings.stage.faults == "allowed" else ()),
        _canary(settings),
        Process(
            "console",
            (*kit, "console", "--stage", settings.stage.name),
            "console",
            _url(ports.console),
            _url(ports.console, "/healthz"),
            ports.console,
        ),
        _load(settings, token),
    )


def local_environ(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment all of them share.

    Every AWS and OpenTelemetry variable of the caller is dropped first: a local run must not be able to reach a real
    account with the credentials of the shell it was started from.
    """
    dropped = ("AWS_", "OTEL_", "FAULTS_", "TELEMETRY_", "XRAY_", "SUPERVISOR_", "LOCUST_")
    kept = {k: v for k, v in inherited.items() if not k.startswith(dropped)}
    return kept | {
        "AWS_ENDPOINT_URL": _url(settings.ports.aws),
        "AWS_REGION": settings.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ACCOUNT_ID": LOCAL_ACCOUNT,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{settings.ports.xray}",
        # glibc gives each thread an arena of its own; two are enough for a few threads and save some 10 MB a process.
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
        # A proxy of the shell must not catch what goes from one of these processes to another.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def kept_dir(settings: Settings) -> Path:
    """Where the local AWS keeps what it is given; ``kit emulate`` alone has the same."""
    return settings.state_dir / "aws"


def data_dirs(settings: Settings) -> tuple[Path, ...]:
    """The folders that the processes expect to exist."""
    return tuple(settings.state_dir / name for name in ("data", "faults", "logs"))


def _service(settings: Settings, name: str, port: int, **more: str) -> Process:
    return Process(
        name,
        (sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", f"service.{name}.wsgi:app"),
        name,
        _url(port),
        _url(port, "/readyz"),
        port,
        {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{settings.state_dir / 'data' / name}.db",
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={settings.stage.environment}",
            **({"FAULTS_ENABLED": "1"} if settings.stage.faults == "allowed" else {}),
            "FAULTS_STATE": str(_fault_state(settings, name)),
            "TELEMETRY_SPILL_DIR": str(settings.state_dir / "data" / "telemetry"),
            **more,
        },
    )


def _faults(settings: Settings, name: str, port: int, token: str) -> Process:
    return Process(
        f"{name}-faults",
        (sys.executable, "-m", "service.failures.control"),
        f"fault control of {name}",
        _url(port),
        "",
        port,
        {
            "OTEL_SERVICE_NAME": name,
            "FAULTS_ENABLED": "1",
            "FAULTS_BIND": f"127.0.0.1:{port}",
            "FAULTS_STATE": str(_fault_state(settings, name)),
            "FAULTS_TOKEN": token,
        },
    )


def _canary(settings: Settings) -> Process:
    """The probe of the shop; it serves nothing, so it has no port."""
    return Process(
        "canary",
        (sys.executable, "-m", "service.canary"),
        "canary",
        "",
        "",
        0,
        {
            "CANARY_URL": _url(settings.ports.shop),
            "CANARY_SERVICE": "shop",
            "OTEL_SERVICE_NAME": "canary",
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={settings.stage.environment}",
        },
    )


def _load(settings: Settings, token: str) -> Process:
    """Locust with a steady load, and where faults are allowed with its game-day page."""
    ports = settings.ports
    faults: tuple[str, ...] = ()
    environ: dict[str, str] = {}
    if settings.stage.faults == "allowed":
        faults = ("--fault-url", _url(ports.shop_faults), "--fault-url", _url(ports.payments_faults))
        environ = {"FAULTS_TOKEN": token}
    return Process(
        "load",
        (
            *(sys.executable, "-m", "locust", "-f", str(settings.root / "loadtest" / "locustfile.py")),
            *("--host", _url(ports.shop), "--web-host", "127.0.0.1", "--web-port", str(ports.locust)),
            *("--autostart", "--users", str(STEADY_USERS), "--spawn-rate", "20", *faults),
        ),
        "load generator",
        _url(ports.locust),
        _url(ports.locust),
        ports.locust,
        environ,
    )


def _fault_state(settings: Settings, name: str) -> Path:
    return settings.state_dir / "faults" / f"{name}.json"


def _url(port: int, path: str = "") -> str:
    return f"http://127.0.0.1:{port}{path}"
