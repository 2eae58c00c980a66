"""PutMetricData: up to 1000 data a call; one that is wrong refuses all of them."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.ingest import data_from_api
from kit.emulator.protocol import AwsError, Context

DATA_A_CALL = 1000
ENTITIES_A_CALL = 2


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    plain, entities = params.get("MetricData", []), params.get("EntityMetricData", [])
    if not plain and not entities:
        raise AwsError("MissingParameter", "The parameter MetricData is required.")
    if len(entities) > ENTITIES_A_CALL:
        raise _too_many("EntityMetricData", ENTITIES_A_CALL)
    if len(plain) + sum(len(entity.get("MetricData", ())) for entity in entities) > DATA_A_CALL:
        raise _too_many("MetricData", DATA_A_CALL)
    namespace, now = params["Namespace"], context.clock.now()
    data = data_from_api(namespace, plain, "MetricData", now)
    for number, entity in enumerate(entities, 1):
        where = f"EntityMetricData.member.{number}.MetricData"
        data += data_from_api(namespace, entity.get("MetricData", ()), where, now)
    engine.record(data)
    return {}


def _too_many(name: str, limit: int) -> AwsError:
    return AwsError("InvalidParameterValue", f"The collection {name} must not have a size greater than {limit}.")
