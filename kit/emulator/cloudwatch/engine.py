"""The embedded CloudWatch of one Region: the parts that the operations work on."""

from __future__ import annotations

from collections.abc import Sequence

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.accounts import OwnMetrics
from kit.emulator.cloudwatch.actions import Notify
from kit.emulator.cloudwatch.alarms import Alarm, alarm_arn
from kit.emulator.cloudwatch.book import AlarmBook
from kit.emulator.cloudwatch.dashboards import Dashboard, Dashboards
from kit.emulator.cloudwatch.store import Datum, MetricStore
from kit.emulator.cloudwatch.ticker import Ticker
from kit.emulator.protocol import AwsError
from kit.evaluation.alarm import EXTRA_PERIODS


class Engine:
    """One Region of one account.

    ``notify(topic_arn, subject, message)`` publishes to SNS and raises if it can't; it is called from a thread of the
    engine's own, or with ``background=False`` from whoever changed the state. Dashboards are global on AWS: give the
    engines of all Regions the same ``dashboards``. An alarm's evaluation range is its EvaluationPeriods and
    ``evaluation_range_extra`` more.
    """

    def __init__(
        self,
        region: str,
        account: str,
        clock: Clock,
        notify: Notify,
        *,
        dashboards: Dashboards | None = None,
        background: bool = True,
        evaluation_range_extra: int = EXTRA_PERIODS,
    ) -> None:
        self.region = region
        self.account = account
        self.clock = clock
        self.metrics = MetricStore(clock, account)
        self.readable = OwnMetrics(self.metrics, account)
        self.alarms = AlarmBook(region, account, clock, notify, background=background)
        self.dashboards = dashboards if dashboards is not None else Dashboards()
        self._ticker = Ticker(clock, self.alarms, self.readable, self.metrics.roll, evaluation_range_extra)

    def record(self, data: Sequence[Datum]) -> None:
        """Stores metric data that was checked before, or that was extracted from logs."""
        self.metrics.record(data)

    def next_due(self) -> float:
        """When run_due has work again, epoch seconds."""
        return self._ticker.next_due()

    def run_due(self, now: float) -> None:
        """Evaluates the alarms that are due at ``now`` (epoch seconds)."""
        self._ticker.run_due(now)

    @property
    def evaluations(self) -> int:
        """How many times a metric alarm has been evaluated so far."""
        return self._ticker.evaluations

    def counts(self) -> dict[str, int]:
        """For the health page: how many metrics and alarms there are, and how punctual the evaluations."""
        metrics = {"metrics": len(self.metrics), "metrics_dropped": self.metrics.dropped}
        return {**metrics, "alarms": len(self.alarms.all()), **self._ticker.counts()}

    def close(self) -> None:
        """Ends the engine's thread."""
        self.alarms.actions.close()

    def tagged(self, arn: str) -> Alarm | Dashboard:
        """The alarm or dashboard behind an ARN, which carries its tags; AwsError if there is none."""
        prefix = alarm_arn(self.region, self.account, "")
        found = self.alarms.get(arn[len(prefix) :]) if arn.startswith(prefix) else self.dashboards.by_arn(arn)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Unknown resource {arn}", status=404)
        return found
