"""The app for gunicorn; each worker connects to its own database in memory, thread by thread."""

from __future__ import annotations

from bench.telemetry.checkout import create_app
from bench.telemetry.ours import Ours

app = create_app(Ours(start=False).instrumentation(), ":memory:")
