"""gunicorn's configuration for both apps: ``gunicorn -c python:service.gunicorn_conf service.shop.wsgi:app``.

The master loads the heavy libraries before it forks, so that the workers share their memory. It makes no app: no
connection, client or thread may exist in a process that forks.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import cache
from importlib import import_module
from typing import Any

from service.database import load_driver
from service.settings import READERS, SettingsError, whole_number

SHARED = (
    "aws_xray_sdk.core.models.segment",
    "aws_xray_sdk.core.emitters.udp_emitter",
    "boto3.session",
    "botocore.client",
    "botocore.httpsession",
    "botocore.signers",
    "flask",
    "msgspec.json",
    "opentelemetry.sdk.metrics.export",
    "opentelemetry.sdk.trace.export",
    "sqlalchemy.orm",
    "urllib3",
    "watchtower",
)

worker_class = "gthread"
accesslog = None  # telemetry writes one line a request
errorlog = "-"
# By default all apps of a user would fight for one socket under the home directory.
control_socket_disable = True
# Long, because closing an idle connection races with the next request on it: the shop's to payments would fail.
keepalive = 75
timeout = 30
graceful_timeout = 10
max_requests = 0

try:
    workers = whole_number(os.environ, "WEB_WORKERS", 2, 1, 64)
    threads = whole_number(os.environ, "WEB_THREADS", 24, 1, 256)
    port = whole_number(os.environ, "PORT", 8080, 1, 65535)
except SettingsError as error:
    sys.exit(str(error))

host = os.environ.get("HOST") or "127.0.0.1"
bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def on_starting(server: Any) -> None:
    """Refuse bad settings here, in one line: a worker that cannot boot would only be started again."""
    service = server.app.app_uri.split(".")[1]
    telemetry = import_module("service.telemetry")
    try:
        load_driver(READERS[service](os.environ).database_url)
        telemetry.Settings.from_environment(default_service=service)
    except (SettingsError, telemetry.SettingsError) as error:
        sys.exit(str(error))
    _share_botocore_data()
    for module in (*SHARED, f"service.{service}.app"):
        import_module(module)


def _share_botocore_data() -> None:
    """Read botocore's endpoint and model files once, here: each session would parse them anew, for 12 MB a worker.

    Botocore has no setting for it: a session asks this function for a loader, and a loader keeps what it has read.
    """
    session: Any = import_module("botocore.session")
    session.create_loader = cache(session.create_loader)
    loader = session.get_session().get_component("data_loader")
    for name in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data(name)
    for kind in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model("logs", kind)


def when_ready(_server: Any) -> None:
    """Keep what was loaded out of the collector's reach: its marks would make each worker copy those pages."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """Start telemetry's threads in the worker: its heartbeat should not wait for the first request."""
    worker.wsgi.extensions["telemetry"].start()


def worker_exit(_server: Any, worker: Any) -> None:
    """Send what is waiting; a worker that could not boot has nothing."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["telemetry"].close()
