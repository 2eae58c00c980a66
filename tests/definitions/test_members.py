"""The keys we know are those of AWS's own model of the service."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.model import ServiceModel, Shape, StructureShape

from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM, OUTPUT_ONLY, UNITS, Group, Many, Spec


@pytest.fixture(scope="module")
def cloudwatch() -> ServiceModel:
    return botocore.session.get_session().get_service_model("cloudwatch")


def assert_same(spec: Spec, shape: Shape, place: str) -> None:
    if isinstance(shape, StructureShape):
        assert isinstance(spec, Group), place
        assert set(spec.members) == set(shape.members), place
        assert set(shape.required_members) <= set(spec.required), place
        for key, inner in spec.members.items():
            assert_same(inner, shape.members[key], f"{place}/{key}")
    elif shape.type_name == "list":
        assert isinstance(spec, Many), place
        assert_same(spec.of, shape.member, f"{place}/*")
    else:
        assert not isinstance(spec, Group | Many), place


@pytest.mark.parametrize(
    ("operation", "spec"), [("PutMetricAlarm", METRIC_ALARM), ("PutCompositeAlarm", COMPOSITE_ALARM)]
)
def test_each_key_of_the_operation_is_known_and_no_other(cloudwatch: ServiceModel, operation: str, spec: Group) -> None:
    assert_same(spec, cloudwatch.operation_model(operation).input_shape, operation)


def test_output_only_keys_are_what_describe_alarms_adds(cloudwatch: ServiceModel) -> None:
    answered = set(cloudwatch.shape_for("MetricAlarm").members) | set(cloudwatch.shape_for("CompositeAlarm").members)
    assert answered - set(METRIC_ALARM.members) - set(COMPOSITE_ALARM.members) == OUTPUT_ONLY


def test_the_units_are_those_of_the_service(cloudwatch: ServiceModel) -> None:
    assert sorted(UNITS) == sorted(cloudwatch.shape_for("StandardUnit").enum)
