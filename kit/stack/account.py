"""The stack against a real account: the shop on this machine, its telemetry to AWS. No local AWS is started."""

from __future__ import annotations

from collections.abc import Mapping

from kit.errors import KitError
from kit.settings import Settings

_DROPPED = ("OTEL_", "FAULTS_", "TELEMETRY_", "XRAY_", "SUPERVISOR_", "LOCUST_", "AWS_ENDPOINT_URL")
XRAY_DAEMON = "127.0.0.1:2000"


def require_may_run(settings: Settings) -> None:
    """Refuse a stage whose figures must not be mixed with those of a load generator on a laptop.

    Raises KitError for a protected stage, and for the environment that the production service is watched by.
    """
    stage = settings.stage
    where = f"stages/{stage.name}.yaml"
    if stage.protected:
        remedy = "Use a stage of its own, with protected: false: stages/sandbox.yaml.example."
        raise KitError(where, "the stage is protected: no shop for it is run on this machine", remedy)
    if stage.environment == "production":
        problem = "environment: production: the shop of this machine would count as the real one"
        raise KitError(where, problem, "Give the stage an environment of its own, as in stages/sandbox.yaml.example.")


def account_environ(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the processes: the caller's credentials, the stage's account, Region and endpoint."""
    kept = {k: v for k, v in inherited.items() if not k.startswith(_DROPPED)}
    return kept | {
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_XRAY_DAEMON_ADDRESS": inherited.get("AWS_XRAY_DAEMON_ADDRESS", XRAY_DAEMON),
        # Straight to the account. The canary's own traces are datagrams, for a daemon if there is one.
        "XRAY_DELIVERY": "api",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
        **({"AWS_ENDPOINT_URL": settings.endpoint_url} if settings.endpoint_url else {}),
        **({"AWS_PROFILE": settings.profile} if settings.profile else {}),
    }
