"""Logs, metrics and traces of a Flask app in CloudWatch and X-Ray.

Three lines put it into an app::

    from .telemetry import instrument

    telemetry = instrument(app, sli_operations=("POST /checkout",), latency_objective_ms=300)
    telemetry.instrument_engine(engine)          # only if the app uses SQLAlchemy

Everything else is read from the environment (see ``settings.py``). ``instrument`` never calls AWS and starts no
thread: both happen in each process at its first request, so prefork and preload servers are safe. A server with
several processes calls ``telemetry.start()`` in its after-fork hook, so that a worker that nobody has asked yet
sends its heartbeat too.

The folder needs nothing of the app around it: copy it into another project, and it works there, given the packages
flask, msgspec, urllib3, watchtower 3.4.0 (which brings boto3 and botocore), aws-xray-sdk, opentelemetry-sdk and
opentelemetry-sdk-extension-aws.
"""

from .instrument import Telemetry, instrument
from .names import Metric
from .request import bind
from .settings import Settings, SettingsError

__all__ = ["Metric", "Settings", "SettingsError", "Telemetry", "bind", "instrument"]
