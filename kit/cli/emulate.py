"""``kit emulate``: the embedded AWS, in the foreground."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from kit.cli._options import with_settings
from kit.emulator.clock import Clock, ManualClock, SystemClock
from kit.emulator.control import read_moment
from kit.emulator.keeping.emptying import empty_folder
from kit.emulator.memory import settle
from kit.emulator.server import Binding, Emulator, Identity, serve
from kit.errors import KitError
from kit.evaluation.alarm import EXTRA_PERIODS
from kit.settings import Settings
from kit.stack.processes import kept_dir


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port of the AWS API (default: KIT_PORT_AWS or 4566).")
@click.option("--xray-port", type=click.IntRange(0, 65535), help="X-Ray daemon port (default: KIT_PORT_XRAY or 2000).")
@click.option(
    "--evaluation-range-extra",
    type=click.IntRange(0, 100),
    default=EXTRA_PERIODS,
    show_default=True,
    help="Periods that alarms look at beyond their EvaluationPeriods (AWS does not say how many).",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to keep everything in, across restarts (default: .kit/aws of the project).",
)
@click.option("--ephemeral", is_flag=True, help="Keep nothing: what is put is gone when it ends.")
@click.option("--reset", is_flag=True, help="Begin empty: delete what the folder has kept, then keep anew.")
@click.option(
    "--clock",
    type=click.Choice(["system", "virtual"]),
    default="system",
    show_default=True,
    help="A virtual clock stands still until POST /_kit/clock moves it, alarms and all; its time is kept with --data.",
)
@click.option(
    "--start",
    metavar="TIME",
    help="Where a virtual clock begins that was not kept: RFC 3339 or epoch (default: now).",
)
@with_settings
def command(  # noqa: PLR0913 - one for each flag
    settings: Settings,
    *,
    host: str,
    port: int | None,
    xray_port: int | None,
    evaluation_range_extra: int,
    data: Path | None,
    ephemeral: bool,
    reset: bool,
    clock: str,
    start: str | None,
) -> int:
    """Run the embedded AWS until Ctrl-C: CloudWatch, Logs, X-Ray, and SNS, SQS, EventBridge, STS, CloudFormation.

    What it is given survives a restart, in .kit/aws unless --data or --ephemeral say otherwise.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ports = settings.ports
    time = _clock(clock, start)
    folder = _folder(settings, data, ephemeral=ephemeral, reset=reset, virtual=isinstance(time, ManualClock))
    if reset and folder is not None:
        empty_folder(folder)
    # interfaces: in containers the names by which the others may ask for this process
    allowed = os.environ.get("KIT_ALLOWED_HOSTS", "").replace(",", " ").split()
    emulator = Emulator(
        Binding(host, ports.aws if port is None else port, ports.xray if xray_port is None else xray_port),
        Identity(settings.stage.account, settings.region),
        clock=time,
        allowed_hosts=allowed,
        evaluation_range_extra=evaluation_range_extra,
        data_dir=folder,
    )
    serve(emulator, _announce)
    return 0


def _clock(kind: str, start: str | None) -> Clock:
    if kind == "system":
        if start is not None:
            raise KitError("--start", "only a virtual clock can begin at another time", "Add --clock virtual.")
        return SystemClock()
    if start is None:
        return ManualClock(SystemClock().now())
    try:
        return ManualClock(read_moment(float(start) if start.replace(".", "", 1).isdecimal() else start))
    except ValueError:
        remedy = "Write it as 2026-11-22T10:00:00Z, or in epoch seconds."
        raise KitError("--start", f"{start!r} is not a date and time", remedy) from None


def _folder(settings: Settings, data: Path | None, *, ephemeral: bool, reset: bool, virtual: bool) -> Path | None:
    """Where to keep things; None for nowhere."""
    for other, given in (("--data", data is not None), ("--reset", reset)):
        if ephemeral and given:
            raise KitError("--ephemeral", f"keeps nothing, so it can't stand beside {other}", "Choose one of them.")
    if reset and virtual and data is None:
        raise KitError("--reset", "a virtual clock keeps nothing unless it is told where", "Name the folder: --data.")
    if ephemeral or (virtual and data is None):
        return None
    return data if data is not None else kept_dir(settings)


def _announce(emulator: Emulator) -> None:
    settle()
    host = emulator.binding.host
    click.echo(f"The embedded AWS answers at http://{host}:{emulator.port} (X-Ray daemon {host}:{emulator.xray_port}).")
    if emulator.data_dir is not None:
        click.echo(f"What it is given is kept in {emulator.data_dir}; --ephemeral keeps nothing.")
    if isinstance(emulator.clock, ManualClock) and emulator.clock.resumed:
        now = datetime.fromtimestamp(emulator.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        click.echo(f"The virtual clock goes on where it stood, at {now}; --reset begins anew.")
