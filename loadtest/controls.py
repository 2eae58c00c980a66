"""The services' fault controls over HTTP: which faults each knows, and to set, lift and keep alive those of one run.

A fault goes to every control that knows it. The token is in this module's hands only: no page and no log has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import urllib3

TIMEOUT_S = 2.0
PATIENCE_S = 3.0
"""How long a control may take to come up, when it is started together with Locust."""

LEASE_S = 10
"""A run that isn't heard of for so long is over, and its faults with it."""

DIALS = ("percent", "ms", "mb", "n")

Json = dict[str, Any]


class ControlError(Exception):
    """A control doesn't do what was asked. One line; ``passing``: it may do it later."""

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


@dataclass(slots=True)
class Control:
    """One service's fault control. ``service`` and ``known`` (by name) are what it said last. Raises ControlError."""

    url: str
    _token: str = field(repr=False)
    service: str = "?"
    known: dict[str, Json] = field(default_factory=dict)

    def listing(self) -> list[Json]:
        """The faults in force, as the API shows them; notes those that the service knows."""
        answer = self._call("GET", "/faults")
        if not isinstance(answer, dict) or not {"service", "known", "active"} <= answer.keys():
            raise ControlError(f"{self._where} answers something else: is another program on that port?")
        self.service = str(answer["service"])
        self.known = {fault["name"]: fault for fault in answer["known"]}
        return list(answer["active"])

    def set(self, name: str, body: Mapping[str, Any]) -> Json:
        """Set a fault; the answer is the fault as it stands."""
        return dict(self._call("PUT", f"/faults/{name}", body))

    def lift(self, name: str) -> None:
        """Lift a fault; one that isn't set is no error."""
        self._call("DELETE", f"/faults/{name}")

    def beat(self, run: str) -> None:
        """Say that this run is alive."""
        self._call("POST", "/heartbeat", {"run": run, "ttl_s": LEASE_S})

    @property
    def _where(self) -> str:
        return f"the fault control {self.url}"

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = urllib3.request(
                method,
                f"{self.url}/v1{path}",
                headers={"Authorization": f"Bearer {self._token}"},
                json=body,
                timeout=TIMEOUT_S,
                retries=False,
                redirect=False,
            )
            said = json.loads(answer.data) if answer.data else None
        except urllib3.exceptions.HTTPError:
            raise ControlError(f"{self._where} does not answer: is it running?", passing=True) from None
        except ValueError:
            raise ControlError(f"{self._where} answers no JSON: is another program on that port?") from None
        if answer.status == 401:
            raise ControlError(f"{self._where} does not accept the token: set FAULTS_TOKEN to the one it has.")
        if answer.status >= 400:
            detail = said.get("detail") if isinstance(said, dict) else None
            raise ControlError(f"{self._where} answers {answer.status}: {detail}", passing=answer.status >= 500)
        return said


class Controls:
    """All of them together, as one run sees them. Iterates over the controls."""

    def __init__(self, urls: tuple[str, ...], token: str) -> None:
        self._all = tuple(Control(url, token) for url in urls)

    def __iter__(self) -> Iterator[Control]:
        return iter(self._all)

    def __bool__(self) -> bool:
        return bool(self._all)

    def probe(self) -> None:
        """Ask each what it knows, with some patience for one that only starts; raises ControlError."""
        end = monotonic() + PATIENCE_S
        for control in self._all:
            while True:
                try:
                    control.listing()
                    break
                except ControlError as error:
                    if not error.passing or monotonic() >= end:
                        raise
                sleep(0.2)

    def knowing(self, name: str, dials: Mapping[str, Any]) -> list[Control]:
        """Those that know a fault with these dials; raises ControlError when none does."""
        knowing = [control for control in self._all if name in control.known]
        if not knowing:
            known = sorted({known for control in self._all for known in control.known})
            raise ControlError(f"no fault {name!r}; there are {', '.join(known) or 'none'}")
        for dial in DIALS:
            if dials.get(dial) is not None and all(control.known[name].get(dial) is None for control in knowing):
                raise ControlError(f"the fault {name} has no dial {dial}")
        return knowing


def url_of(text: str) -> str:
    """A control's address as an option gives it; raises ValueError."""
    try:
        url = urlsplit(text)
        right = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        right = False
    if not right or url.query or url.fragment or url.username or url.path.strip("/"):
        raise ValueError("not an address like http://127.0.0.1:8090")
    return text.rstrip("/")


def read_token(file: Path | None, environ: Mapping[str, str]) -> str:
    """The bearer token from a file, else from FAULTS_TOKEN; raises ControlError."""
    try:
        token = environ.get("FAULTS_TOKEN", "") if file is None else file.read_text("ascii").strip()
    except OSError as error:
        raise ControlError(f"--fault-token-file {file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        token = ""
    if not re.fullmatch(r"[!-~]+", token):
        where = "FAULTS_TOKEN" if file is None else f"--fault-token-file {file}"
        raise ControlError(f"{where}: no token there; give the one that the fault controls were started with")
    return token
