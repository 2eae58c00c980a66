"""``python -m service.canary``: probe, tell, sleep until the next whole interval of the clock; until SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping

from service.canary import report
from service.canary.delivery import Delivery, send_segment
from service.canary.settings import CanarySettings, read_canary
from service.canary.walk import probe
from service.settings import SettingsError


def main(environ: Mapping[str, str]) -> None:
    """Run until SIGTERM or Ctrl-C, which end it at once; leaves with one line when a setting is bad."""
    try:
        settings = read_canary(environ)
    except SettingsError as error:
        sys.exit(str(error))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    _run(settings)


def _run(settings: CanarySettings) -> None:
    delivery = Delivery(settings.endpoint_url, settings.region, settings.log_group)
    failing = ""
    while True:
        now = time.time()
        slot = (now // settings.interval_s + 1) * settings.interval_s
        time.sleep(slot - now)
        outcome = probe(settings.url, settings.deadline_s)
        _say(report.line(settings, outcome))
        send_segment(settings.daemon, report.segment(settings, outcome))
        trouble = delivery.put(outcome.ended, report.document(settings, outcome, slot))
        if trouble != failing:
            failing = trouble
            _say({"logger": "canary", "message": f"delivery fails: {trouble}" if trouble else "delivery works again"})


def _say(fields: dict[str, object]) -> None:
    print(json.dumps(fields), flush=True)  # noqa: T201 - its standard output is its log


if __name__ == "__main__":
    main(os.environ)
