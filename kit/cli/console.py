"""``kit console``: the web pages."""

from __future__ import annotations

import errno
import gc
import signal

import click

from kit.cli._options import with_settings
from kit.console.app import create_app
from kit.console.bundle import Bundle
from kit.errors import KitError
from kit.serving import OrderlyServer
from kit.settings import Settings

THREADS = 8
# A page that waits for AWS may take longer; supervisors and containers kill what takes eight.
ANSWERING_S = 2.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (default: KIT_PORT_CONSOLE, or 8000).")
@click.option(
    "--allowed-hosts",
    envvar="KIT_ALLOWED_HOSTS",
    default="",
    help="Host names to answer to besides this machine's own, parted by commas.",
)
@with_settings
def command(settings: Settings, host: str, port: int | None, allowed_hosts: str) -> int:
    """Show alarms and dashboards as web pages, from the stage's AWS endpoint."""
    port = port or settings.ports.console
    bundle = Bundle(settings.state_dir / "cache")
    names = allowed_hosts.replace(",", " ").split()
    app = create_app(settings, allowed_hosts=names, bundle=bundle)
    try:
        server = OrderlyServer(app, ANSWERING_S, host=host, port=port, threads=THREADS, ident=None)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise KitError(f"{host}:{port}", error.strerror or str(error), "Choose another --host.") from error
        raise KitError(f"port {port}", "is taken", "Stop what listens there, or set KIT_PORT_CONSOLE.") from error
    bundle.prepare()
    gc.freeze()  # what was loaded until here stays for good
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    click.echo(f"Console: http://{host}:{port}/")
    server.run()
    return 0
