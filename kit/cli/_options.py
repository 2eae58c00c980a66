"""The flags that verbs share, and the settings they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from kit.errors import KitError
from kit.settings import Settings, load


def find_root(start: Path) -> Path:
    """The nearest folder upwards that holds ``stages/``: the project, wherever inside it one stands."""
    for folder in (start, *start.parents):
        if (folder / "stages").is_dir():
            return folder
    raise KitError(str(start), "not inside a project: no stages/ here or above", "Change to the project's folder.")


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the common flags and, as its first argument, the Settings made from them."""

    @click.option("--stage", help="Stage to work on: stages/NAME.yaml (default: local).")
    @click.option("--endpoint-url", help="Speak to this address instead of the stage's.")
    @click.option("--region", help="AWS Region (default: the stage's).")
    @click.option("--profile", help="AWS profile (default: AWS_PROFILE).")
    @wraps(command)
    def wrapped(
        stage: str | None, endpoint_url: str | None, region: str | None, profile: str | None, **rest: Any
    ) -> Any:
        settings: Settings = load(
            os.environ,
            find_root(Path.cwd()),
            stage=stage,
            endpoint_url=endpoint_url,
            region=region,
            profile=profile,
        )
        return command(settings, **rest)

    return wrapped
