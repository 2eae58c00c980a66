import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.settings import DaemonAddress, Settings, SettingsError


def read(**environ: str) -> Settings:
    return Settings.from_environment({"OTEL_SERVICE_NAME": "shop", **environ})


def test_without_variables_the_defaults_hold() -> None:
    settings = read()
    assert (settings.environment, settings.release, settings.region) == ("local", "dev", "us-east-1")
    assert settings.log_group == "/shop/local/shop/logs"
    assert settings.emf_group == "/shop/local/shop/emf"
    assert settings.endpoint_url is None
    assert settings.log_queue_bytes == 8 * 1024 * 1024


def test_resource_attributes_give_environment_and_release() -> None:
    settings = read(
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=prod, service.version=1.2%2B3".replace("%2B", "-")
    )
    assert (settings.environment, settings.release) == ("prod", "1.2-3")


def test_the_service_name_may_come_from_the_resource_or_the_app() -> None:
    assert Settings.from_environment({"OTEL_RESOURCE_ATTRIBUTES": "service.name=pay"}).service == "pay"
    assert Settings.from_environment({}, default_service="app").service == "app"
    with pytest.raises(SettingsError, match=r"service\.name"):
        Settings.from_environment({})


@pytest.mark.parametrize(
    ("text", "udp", "tcp"),
    [
        ("xray:2001", ("xray", 2001), ("xray", 2001)),
        ("tcp:a:1 udp:b:2", ("b", 2), ("a", 1)),
        ("udp:b:2 tcp:a:1", ("b", 2), ("a", 1)),
    ],
)
def test_the_daemon_address_is_read_in_each_documented_form(
    text: str, udp: tuple[str, int], tcp: tuple[str, int]
) -> None:
    assert read(AWS_XRAY_DAEMON_ADDRESS=text).daemon == DaemonAddress(udp=udp, tcp=tcp)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_XRAY_DAEMON_ADDRESS", "xray"),
        ("AWS_XRAY_DAEMON_ADDRESS", "tcp:a:1 tcp:b:2"),
        ("AWS_XRAY_DAEMON_ADDRESS", "a:99999"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_REGION", "Frankfurt"),
        ("OTEL_SERVICE_NAME", "a b"),
        ("OTEL_RESOURCE_ATTRIBUTES", "nonsense"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=a/b"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_SDK_DISABLED", "maybe"),
        ("TELEMETRY_LOG_QUEUE_BYTES", "8M"),
        ("TELEMETRY_RETENTION_DAYS", "2"),
        ("TELEMETRY_CLOSE_SECONDS", "nan"),
        ("TELEMETRY_NAMESPACE", "AWS/Shop"),
        ("TELEMETRY_SPILL_DIR", "spill"),
        ("TELEMETRY_SPILL_BYTES", "1G"),
        ("TELEMETRY_EMF", "loose"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as raised:
        read(**{name: value})
    assert "\n" not in str(raised.value)


def test_an_unknown_setting_of_ours_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"TELEMETRY_LOG_QUEU: no such setting.*TELEMETRY_LOG_QUEUE_BYTES"):
        read(TELEMETRY_LOG_QUEU="1")


def test_an_empty_value_is_no_value() -> None:
    assert read(AWS_ENDPOINT_URL="", AWS_REGION=" ").region == "us-east-1"


def test_what_does_not_fit_into_memory_goes_to_the_systems_temporary_folder_unless_told_otherwise() -> None:
    assert read().spill_dir == tempfile.gettempdir()
    assert read(TELEMETRY_SPILL_DIR="/var/spool/shop").spill_dir == "/var/spool/shop"
    assert (read().strict_emf, read(TELEMETRY_EMF="strict").strict_emf) == (False, True)


def test_a_ratio_is_read_only_for_the_samplers_that_take_one() -> None:
    assert read(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.25").sampler_ratio == 0.25
    assert read(OTEL_TRACES_SAMPLER="xray", OTEL_TRACES_SAMPLER_ARG="endpoint=http://x").sampler_ratio == 1
    with pytest.raises(SettingsError, match="OTEL_TRACES_SAMPLER_ARG"):
        read(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="2")


@given(st.text(max_size=40))
def test_any_daemon_address_is_read_or_refused(text: str) -> None:
    try:
        settings = read(AWS_XRAY_DAEMON_ADDRESS=text)
    except SettingsError:
        return
    assert 0 < settings.daemon.udp[1] < 65_536
