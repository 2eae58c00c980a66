from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:{}"


class Story:
    """What a client puts, and all that it can ask afterwards."""

    def __init__(self, running: Any) -> None:
        names = ("cloudwatch", "logs", "xray", "sns", "sqs", "events")
        self.cloudwatch, self.logs, self.xray, self.sns, self.sqs, self.events = map(running.client, names)

    def put(self, now: float) -> None:
        self.put_metrics(now)
        self.put_routes()
        self.put_alarms()
        self.put_logs(now)
        self.put_traces(now)

    def put_metrics(self, now: float) -> None:
        minute = int(now // 60 - 5) * 60
        for values in ([1.0, 2.0, 300.0], [5.0]):
            datum = {
                "MetricName": "m",
                "Dimensions": [{"Name": "d", "Value": "e"}],
                "Values": values,
                "Unit": "Seconds",
            }
            self.cloudwatch.put_metric_data(Namespace="n", MetricData=[datum | {"Timestamp": minute}])
        hidden = {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 7}
        high = {"MetricName": "high", "Timestamp": minute + 7, "StorageResolution": 1}
        self.cloudwatch.put_metric_data(
            Namespace="n",
            MetricData=[
                {"MetricName": "set", "StatisticValues": hidden, "Timestamp": minute},
                high | {"Value": 3},
                high | {"Value": 4, "Timestamp": minute + 8},
            ],
        )
        body = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 1, "height": 1, "properties": {"markdown": "é"}}]}
        self.cloudwatch.put_dashboard(
            DashboardName="board", DashboardBody=json.dumps(body), Tags=[{"Key": "a", "Value": "b"}]
        )

    def put_routes(self) -> None:
        topic = self.sns.create_topic(Name="pages")["TopicArn"]
        for queue in ("inbox", "bus"):
            self.sqs.create_queue(QueueName=queue)
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE_ARN.format("inbox"))
        self.events.put_rule(Name="alarms", EventPattern='{"source": ["aws.cloudwatch"]}')
        self.events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": QUEUE_ARN.format("bus")}])

    def put_alarms(self) -> None:
        alarm = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
        alarm |= {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "ignore"}
        topic = "arn:aws:sns:us-east-1:123456789012:pages"
        for name in ("loud", "quiet"):
            self.cloudwatch.put_metric_alarm(
                AlarmName=name, AlarmActions=[topic], OKActions=[topic], Tags=[{"Key": "team", "Value": "é"}], **alarm
            )
        self.cloudwatch.disable_alarm_actions(AlarmNames=["quiet"])
        self.cloudwatch.put_composite_alarm(
            AlarmName="both",
            AlarmRule='ALARM("loud") AND NOT OK("quiet")',
            ActionsSuppressor="quiet",
            ActionsSuppressorWaitPeriod=600,
            ActionsSuppressorExtensionPeriod=60,
            AlarmActions=[topic],
        )
        data = json.dumps({"why": [1, 2]})
        self.cloudwatch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="x", StateReasonData=data)
        self.wait_for_the_action()

    def wait_for_the_action(self) -> None:
        """Actions are carried out beside the call that caused them, and then stand in the history."""
        for _ in range(100):
            if self.cloudwatch.describe_alarm_history(HistoryItemType="Action")["AlarmHistoryItems"]:
                return
            time.sleep(0.1)
        raise AssertionError("no action was carried out")

    def put_logs(self, now: float) -> None:
        logs = self.logs
        logs.create_log_group(logGroupName="/app")
        logs.put_retention_policy(logGroupName="/app", retentionInDays=7)
        logs.put_metric_filter(
            logGroupName="/app",
            filterName="errors",
            filterPattern='{ $.level = "error" }',
            metricTransformations=[
                {"metricName": "errors", "metricNamespace": "n", "metricValue": "1", "defaultValue": 0}
            ],
        )
        for stream in ("a", "b", "gone"):
            logs.create_log_stream(logGroupName="/app", logStreamName=stream)
        logs.delete_log_stream(logGroupName="/app", logStreamName="gone")
        for batch in range(3):  # more than one chunk, the last of them open
            events = [{"timestamp": int(now * 1000) + n, "message": f"{batch} {n} é " + "x" * 1000} for n in range(60)]
            logs.put_log_events(logGroupName="/app", logStreamName="a", logEvents=events)
        self.put_error(now)

    def put_error(self, now: float) -> None:
        event = {"timestamp": int(now * 1000), "message": '{"level": "error"}'}
        self.logs.put_log_events(logGroupName="/app", logStreamName="b", logEvents=[event])

    def put_traces(self, now: float) -> None:
        for n in range(40):
            trace_id = f"1-{int(now):08x}-{n:024x}"
            inner = {"id": f"{n:016x}", "name": "db", "start_time": now, "end_time": now + 1}
            segment = {
                "id": f"{n + 1000:016x}",
                "trace_id": trace_id,
                "name": "shop",
                "start_time": now,
                "end_time": now + 2,
            }
            segment |= {"subsegments": [inner], "annotations": {"path": f"/{n % 3}", "user": f"u{n}"}}
            self.xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])

    def told(self, now: float) -> dict[str, Any]:
        cloudwatch, logs = self.cloudwatch, self.logs
        alarms = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        arns = [alarm["AlarmArn"] for alarm in alarms["MetricAlarms"]]
        arns.append(cloudwatch.get_dashboard(DashboardName="board")["DashboardArn"])
        groups = logs.describe_log_groups()["logGroups"]
        answers = [
            alarms,
            cloudwatch.describe_alarm_history(AlarmTypes=["MetricAlarm", "CompositeAlarm"]),
            [cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] for arn in arns],
            cloudwatch.get_dashboard(DashboardName="board"),
            cloudwatch.list_dashboards(),
            cloudwatch.list_metrics(RecentlyActive="PT3H"),
            self._numbers(now),
            groups,
            [logs.describe_log_streams(logGroupName="/app"), logs.describe_metric_filters(logGroupName="/app")],
            logs.filter_log_events(logGroupName="/app", filterPattern="-lost"),
            self._traces(now),
            self.sns.list_topics(),
            self.sns.list_subscriptions(),
            self.events.list_rules(),
        ]
        return {str(n): _plain(answer) for n, answer in enumerate(answers)}

    def _numbers(self, now: float) -> Any:
        wanted = [("m", "Sum"), ("m", "p99"), ("m", "p50"), ("set", "Maximum"), ("high", "Sum"), ("errors", "Sum")]
        queries = []
        for n, (name, stat) in enumerate(wanted):
            metric: dict[str, Any] = {"Namespace": "n", "MetricName": name}
            if name == "m":
                metric["Dimensions"] = [{"Name": "d", "Value": "e"}]
            period = 1 if name == "high" else 60
            queries.append({"Id": f"q{n}", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}})
        end = datetime.fromtimestamp(now + 60, UTC)
        return self.cloudwatch.get_metric_data(
            MetricDataQueries=queries, StartTime=end - timedelta(minutes=20), EndTime=end
        )["MetricDataResults"]

    def _traces(self, now: float) -> Any:
        span = {"StartTime": now - 60, "EndTime": now + 60}
        pages = self.xray.get_paginator("get_trace_summaries").paginate(
            **span, FilterExpression='annotation.path = "/1"'
        )
        ids = [f"1-{int(now):08x}-{n:024x}" for n in range(5)]
        return [page["TraceSummaries"] for page in pages], self.xray.batch_get_traces(TraceIds=ids)["Traces"]


def _plain(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: _plain(value) for key, value in answer.items() if key != "ResponseMetadata"}
    return [_plain(value) for value in answer] if isinstance(answer, list | tuple) else answer


def test_everything_that_was_put_is_told_again_after_a_restart(start: Callable[..., Any]) -> None:
    now = time.time()
    running = start()
    Story(running).put(now)
    time.sleep(1)  # what is older outlives a kill
    before = Story(running).told(now)
    after_being = {}
    for by in (signal.SIGKILL, signal.SIGTERM):
        running.end(by)
        running = after_being[by] = start()
        story = Story(running)
        after = story.told(now)
        for part in before:
            assert after[part] == before[part], by
    _still_works(story, now)
    running.end(signal.SIGTERM)
    said = {by: "was not closed in order" in restarted.log for by, restarted in after_being.items()}
    assert said == {signal.SIGKILL: True, signal.SIGTERM: False}


def _still_works(story: Story, now: float) -> None:
    """A metric filter still counts, and an alarm still reaches its queue."""
    errors = sum(story._numbers(now)[-1]["Values"])
    story.put_error(now)
    assert sum(story._numbers(now)[-1]["Values"]) == errors + 1
    inbox = story.sqs.get_queue_url(QueueName="inbox")["QueueUrl"]
    assert "Messages" not in story.sqs.receive_message(QueueUrl=inbox)
    story.cloudwatch.set_alarm_state(AlarmName="loud", StateValue="OK", StateReason="y")
    received = story.sqs.receive_message(QueueUrl=inbox, WaitTimeSeconds=5)["Messages"]
    assert '\\"NewStateValue\\":\\"OK\\"' in received[0]["Body"]
    bus = story.sqs.get_queue_url(QueueName="bus")["QueueUrl"]
    assert story.sqs.receive_message(QueueUrl=bus, WaitTimeSeconds=5)["Messages"]
