"""Settings, read once and strictly: explicit argument > environment > stage file > default.

Nothing else in the kit reads the environment or a stage file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from kit.errors import KitError

LOCAL_STAGE = "local"
LOCAL_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"
MAX_CHANGE = 30
"""Percent of what stands on a stage that one apply may update or delete, unless the stage says otherwise."""

ADDRESS = re.compile(r"https?://[^\s/]+/?")

Scale = Literal["practice", "production"]
FaultPolicy = Literal["allowed", "refused"]


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of the local stack; each is set by ``KIT_PORT_<NAME>``. ``xray`` is TCP and UDP."""

    shop: int = 8080
    payments: int = 8081
    shop_faults: int = 8090
    payments_faults: int = 8091
    console: int = 8000
    locust: int = 8089
    aws: int = 4566
    xray: int = 2000


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the kit works: one file ``stages/NAME.yaml``.

    ``shop_url`` and ``fault_urls`` (by service) are for game days where the shop doesn't run on this machine.
    """

    name: str
    account: str
    region: str
    endpoint_url: str | None
    environment: str
    scale: Scale
    actions: Mapping[str, str]
    faults: FaultPolicy
    protected: bool
    max_change: int = MAX_CHANGE
    shop_url: str | None = None
    fault_urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Whether this stage is the embedded AWS, which takes any credentials."""
        return self.name == LOCAL_STAGE


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a verb may ask for. ``root`` is the folder that holds alarms/, dashboards/ and stages/."""

    root: Path
    stage: Stage
    region: str
    endpoint_url: str | None
    profile: str | None
    ports: Ports = field(default_factory=Ports)
    faults_token: str | None = None

    @property
    def state_dir(self) -> Path:
        """The folder ``.kit``, where a running stack keeps what is its own."""
        return self.root / ".kit"


def load(
    environ: Mapping[str, str],
    root: Path,
    *,
    stage: str | None = None,
    endpoint_url: str | None = None,
    region: str | None = None,
    profile: str | None = None,
) -> Settings:
    """Read the settings for one run of one verb.

    Raises KitError for an unknown stage, a bad stage file, or a malformed variable.
    """
    ports = read_ports(environ, running_ports(root))
    chosen = read_stage(root, stage or environ.get("KIT_STAGE") or LOCAL_STAGE)
    endpoint = endpoint_url or environ.get("AWS_ENDPOINT_URL") or chosen.endpoint_url
    if chosen.local and not endpoint_url and not environ.get("AWS_ENDPOINT_URL"):
        endpoint = f"http://127.0.0.1:{ports.aws}"
    if endpoint is not None and not ADDRESS.fullmatch(endpoint):
        raise KitError("endpoint URL", f"{endpoint!r} is not an http(s) address", "Write it as http://127.0.0.1:4566.")
    return Settings(
        root=root,
        stage=chosen,
        region=region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or chosen.region,
        endpoint_url=endpoint.rstrip("/") if endpoint else None,
        profile=profile or environ.get("AWS_PROFILE"),
        ports=ports,
        faults_token=environ.get("FAULTS_TOKEN") or None,
    )


def ports_file(root: Path) -> Path:
    """Where a running `kit up` leaves its ports, so that a verb in another terminal finds them."""
    return root / ".kit" / "ports.json"


def running_ports(root: Path) -> Mapping[str, int]:
    """The ports of the stack that runs here, by name; empty when none does."""
    try:
        found = json.loads(ports_file(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    names = {f.name for f in fields(Ports)}
    return {k: v for k, v in found.items() if k in names and isinstance(v, int)} if isinstance(found, dict) else {}


def read_ports(environ: Mapping[str, str], running: Mapping[str, int] | None = None) -> Ports:
    """Read ``KIT_PORT_<NAME>``, else what ``running`` says, else the default.

    An unknown name, a bad number or two equal ports is a KitError.
    """
    names = {f.name for f in fields(Ports)}
    chosen: dict[str, int] = dict(running or {})
    for variable, text in environ.items():
        if not variable.startswith("KIT_PORT_"):
            continue
        name = variable.removeprefix("KIT_PORT_").lower()
        if name not in names:
            known = ", ".join(f"KIT_PORT_{n.upper()}" for n in sorted(names))
            raise KitError(variable, "no such port setting", f"Known are {known}.")
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise KitError(variable, f"{text!r} is not a port", "Give a number from 1 to 65535.")
        chosen[name] = int(text)
    ports = Ports(**chosen)
    taken: dict[int, str] = {}
    for f in fields(Ports):
        number = getattr(ports, f.name)
        if number in taken:
            raise KitError(
                f"KIT_PORT_{f.name.upper()}",
                f"{number} is also KIT_PORT_{taken[number].upper()}",
                "Give each its own port.",
            )
        taken[number] = f.name
    return ports


def read_stage(root: Path, name: str) -> Stage:
    """Read ``stages/NAME.yaml``; every complaint names the file and the key."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise KitError("--stage", f"{name!r} is not a stage name", "Use lower-case letters, digits and dashes.")
    path = root / "stages" / f"{name}.yaml"
    if not path.is_file():
        raise KitError(f"stages/{name}.yaml", "no such stage", "Copy stages/production.yaml.example and fill it in.")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KitError(f"stages/{name}.yaml", f"is not YAML: {error}", "Mend the line that is named.") from error
    return _stage(name, raw)


def _stage(name: str, raw: object) -> Stage:
    where = f"stages/{name}.yaml"
    if not isinstance(raw, dict):
        raise KitError(where, "must be a mapping of keys to values", "See stages/production.yaml.example.")
    known = {f.name for f in fields(Stage)} - {"name"}
    for key in raw:
        if key not in known:
            raise KitError(where, f"{key}: no such key", f"Known are {', '.join(sorted(known))}.")
    account = _text(where, raw, "account")
    if not re.fullmatch(r"\d{12}", account):
        raise KitError(where, f"account: {account!r} is not an account id", "Write the twelve digits in quotes.")
    scale = _choice(where, raw, "scale", get_args(Scale), "production")
    faults = _choice(where, raw, "faults", get_args(FaultPolicy), "refused")
    actions = raw.get("actions", {})
    if not isinstance(actions, dict) or not all(
        k in ("page", "ticket") and isinstance(v, str) and v.startswith("arn:") for k, v in actions.items()
    ):
        raise KitError(where, "actions: must map page and ticket to topic ARNs", "See stages/production.yaml.example.")
    protected = raw.get("protected", name != LOCAL_STAGE)
    if not isinstance(protected, bool):
        raise KitError(where, f"protected: {protected!r} is not a truth value", "Write true or false.")
    max_change = raw.get("max_change", MAX_CHANGE)
    if type(max_change) is not int or not 0 <= max_change <= 100:
        raise KitError(where, f"max_change: {max_change!r} is not a percentage", "Write a whole number from 0 to 100.")
    endpoint = raw.get("endpoint_url")
    if endpoint is not None and not isinstance(endpoint, str):
        raise KitError(where, f"endpoint_url: {endpoint!r} is not text", "Write an http(s) address.")
    return Stage(
        name=name,
        account=account,
        region=_text(where, raw, "region"),
        endpoint_url=endpoint,
        environment=_text(where, raw, "environment") if "environment" in raw else name,
        scale=scale,
        actions=dict(actions),
        faults=faults,
        protected=protected,
        max_change=max_change,
        shop_url=_address(where, "shop_url", raw["shop_url"]) if "shop_url" in raw else None,
        fault_urls=_addresses(where, "fault_urls", raw.get("fault_urls", {})),
    )


def shop_url(settings: Settings) -> str:
    """Where the shop is: as the stage says, else on this machine."""
    return settings.stage.shop_url or f"http://127.0.0.1:{settings.ports.shop}"


def _addresses(where: str, key: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(service, str) for service in value):
        raise KitError(where, f"{key}: must map services to addresses", "Write it as {shop: http://127.0.0.1:8090}.")
    return {service: _address(where, f"{key}/{service}", url) for service, url in value.items()}


def _address(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not ADDRESS.fullmatch(value):
        raise KitError(where, f"{key}: {value!r} is not an http(s) address", "Write it as http://127.0.0.1:8090.")
    return value.rstrip("/")


def _text(where: str, raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise KitError(where, f"{key}: {value!r} is not text", f"Give {key} as text in quotes.")
    return value


def _choice(where: str, raw: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str) -> Any:
    value = raw.get(key, default)
    if value not in allowed:
        raise KitError(where, f"{key}: {value!r} is not known", f"Use one of {', '.join(allowed)}.")
    return value
