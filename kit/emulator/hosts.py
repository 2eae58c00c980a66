"""Which hosts are this machine: what the emulator answers to, and what it may post to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def hostname(url: str) -> str:
    """The host of a URL in lower case; empty if there is none or it can't be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine, without asking a name server for unknown names."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
