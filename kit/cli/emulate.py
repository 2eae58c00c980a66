"""``kit emulate``: the embedded AWS, in the foreground."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from kit.cli._options import with_settings
from kit.emulator.memory import settle
from kit.emulator.server import Binding, Emulator, Identity, serve
from kit.evaluation.alarm import EXTRA_PERIODS
from kit.settings import Settings


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
    help="Folder to keep topics, subscriptions, queues, rules and their targets in (default: nothing is kept).",
)
@with_settings
def command(
    settings: Settings,
    host: str,
    port: int | None,
    xray_port: int | None,
    evaluation_range_extra: int,
    data: Path | None,
) -> int:
    """Run the embedded AWS until Ctrl-C: CloudWatch, Logs, X-Ray, and SNS, SQS, EventBridge, STS, CloudFormation."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ports = settings.ports
    binding = Binding(host, ports.aws if port is None else port, ports.xray if xray_port is None else xray_port)
    # interfaces: in containers the names by which the others may ask for this process
    allowed = os.environ.get("KIT_ALLOWED_HOSTS", "").replace(",", " ").split()
    emulator = Emulator(
        binding,
        Identity(settings.stage.account, settings.region),
        allowed_hosts=allowed,
        evaluation_range_extra=evaluation_range_extra,
        data_dir=data,
    )
    serve(emulator, _announce)
    return 0


def _announce(emulator: Emulator) -> None:
    settle()
    host = emulator.binding.host
    click.echo(f"The embedded AWS answers at http://{host}:{emulator.port} (X-Ray daemon {host}:{emulator.xray_port}).")
