"""The app with what one installs first: OpenTelemetry's instrumentations of Flask and sqlite3, their OTLP exporters for
spans and metrics, and watchtower for the log, everything with its defaults.

Runs in an environment of its own (peers.py), which holds nothing of ours.
"""

from __future__ import annotations

import logging
from typing import Any

import watchtower
from flask import Flask
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pythonjsonlogger.json import JsonFormatter

from bench.telemetry.checkout import Instrumentation


def instrumentation() -> Instrumentation:
    """Set up the process's providers and root logger."""
    handler = watchtower.CloudWatchLogHandler(log_group_name="/shop/local/shop/logs")
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracing)
    metering = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    metrics.set_meter_provider(metering)
    SQLite3Instrumentor().instrument()

    def install(app: Flask) -> None:
        FlaskInstrumentor().instrument_app(app)

    def close() -> None:
        tracing.shutdown()
        metering.shutdown()
        logging.shutdown()

    span: Any = trace.get_tracer("shop").start_as_current_span
    return Instrumentation(span=span, install=install, close=close)
