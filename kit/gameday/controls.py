"""The services' fault controls over HTTP, as the kit speaks to them: list, set and lift faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import urllib3

from kit.errors import KitError
from kit.settings import Settings

TIMEOUT_S = 3.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Control:
    """The fault control of one service. Its methods raise KitError."""

    service: str
    url: str
    token: str = field(repr=False)

    def listing(self) -> dict[str, Any]:
        """What the service knows and what is set."""
        listing = self._call("GET", "")
        if not isinstance(listing, dict) or not {"service", "known", "active"} <= listing.keys():
            raise KitError(self._where, "not a listing of faults", "Is another program on that port?")
        return listing

    def put(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set a fault; answers it as it stands."""
        entry: dict[str, Any] = self._call("PUT", f"/{name}", body)
        return entry

    def delete(self, name: str | None = None) -> str:
        """Lift one fault or all; answers the service's name."""
        self._call("DELETE", f"/{name}" if name else "")
        return self.service

    @property
    def _where(self) -> str:
        return f"{self.service}'s fault control {self.url}"

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = urllib3.request(
                method,
                f"{self.url}/v1/faults{path}",
                headers={"Authorization": f"Bearer {self.token}"},
                json=body,
                timeout=TIMEOUT_S,
                retries=False,
                redirect=False,
            )
            said = json.loads(answer.data) if answer.data else None
        except urllib3.exceptions.HTTPError as error:
            remedy = "Start the stack with `make up`; a service of your own needs FAULTS_ENABLED=1."
            raise KitError(self._where, "no answer", remedy) from error
        except ValueError as error:
            raise KitError(self._where, "an answer that is not JSON", "Is another program on that port?") from error
        if answer.status == 401:
            raise KitError(self._where, "the token is not accepted", "Set FAULTS_TOKEN to the one it was started with.")
        if answer.status >= 400:
            detail = said.get("detail") if isinstance(said, dict) else None
            raise KitError(self._where, detail or f"status {answer.status}")
        return said


def require_allowed(settings: Settings) -> None:
    """Raise KitError where the stage refuses faults."""
    if settings.stage.faults != "allowed":
        raise KitError(
            f"stages/{settings.stage.name}.yaml", "faults: this stage refuses them", "Choose a stage that allows them."
        )


def controls(settings: Settings) -> tuple[Control, ...]:
    """The fault controls of the stage: those that it names, else those of the stack on this machine."""
    require_allowed(settings)
    own = token(settings)
    if settings.stage.fault_urls:
        return tuple(Control(service, url, own) for service, url in sorted(settings.stage.fault_urls.items()))
    ports = {"shop": settings.ports.shop_faults, "payments": settings.ports.payments_faults}
    return tuple(Control(service, f"http://127.0.0.1:{port}", own) for service, port in ports.items())


def token(settings: Settings) -> str:
    """The bearer token: FAULTS_TOKEN, else that of the stack that runs here. Raises KitError."""
    found = settings.faults_token or _of_the_stack(settings)
    if not re.fullmatch(r"[!-~]+", found):
        raise KitError("FAULTS_TOKEN", "not a token", "Set it to the one that the services were started with.")
    return found


def _of_the_stack(settings: Settings) -> str:
    path = settings.state_dir / "faults-token"
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise KitError(
            ".kit/faults-token", "not there", "Start the stack with `make up`, or set FAULTS_TOKEN."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(".kit/faults-token", f"cannot be read: {error}", "Set FAULTS_TOKEN instead.") from error


def ask_all(asked: Iterable[Control], ask: Callable[[Control], T]) -> list[T]:
    """Ask every control, then complain of those that failed: one that is down must not keep a fault of another set."""
    answers: list[T] = []
    failures: list[KitError] = []
    for control in asked:
        try:
            answers.append(ask(control))
        except KitError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return answers


def active(asked: Iterable[Control]) -> list[str]:
    """The names of the faults that are set anywhere, each once."""
    return sorted({entry["name"] for listing in ask_all(asked, Control.listing) for entry in listing["active"]})
