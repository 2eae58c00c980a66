"""Reading slos/: strict, all complaints at once, each with file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from kit.definitions.schema import schema
from kit.errors import KitError
from kit.slo import read_slos

Edit = Callable[[str, str, str], None]
Complaints = Callable[[], list[str]]
AVAILABILITY = "slos/shop-checkout-availability.yaml"
FAST = "slos/policies/page-fast.yaml"
ROOT = Path(__file__).parents[2]


def test_the_shipped_objectives_are_the_promised_ones() -> None:
    slos = {slo.name: slo for slo in read_slos(ROOT / "slos", ROOT)}
    assert {name: slo.target for name, slo in slos.items()} == {
        "shop-checkout-availability": Fraction(99, 100),
        "shop-checkout-latency": Fraction(99, 100),
        "shop-checkout-correctness": Fraction(999, 1000),
    }
    tiers = [policy.name for policy in slos["shop-checkout-availability"].policies]
    assert tiers == ["page-fast", "page-slow", "ticket", "ticket-slow"]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (AVAILABILITY, "target: 0.99", "target: 1.0", "must be a number between 0 and 1: 0.99; it is 1.0"),
        (AVAILABILITY, "target: 0.99", "goal: 0.99", "goal is not a known key"),
        (AVAILABILITY, "target: 0.99", "displayName: x", "needs exactly one of target and targetPercent"),
        (AVAILABILITY, "openslo/v1\n", "openslo/v2\n", "must be openslo/v1; it is"),
        (AVAILABILITY, "kind: SLO", "kind: Service", "must be an OpenSLO object of the kind SLO or AlertPolicy"),
        (AVAILABILITY, "Occurrences", "Timeslices", "must be Occurrences: bad events are counted, not bad minutes"),
        (AVAILABILITY, "isRolling: true", "isRolling: false", "must be true: alarms know no calendar"),
        (AVAILABILITY, "- alertPolicyRef: page-slow", "- alertPolicyRef: page-slowly", "Did you mean page-slow?"),
        (AVAILABILITY, "- alertPolicyRef: page-slow", "- alertPolicyRef: page-fast", "page-fast is named twice"),
        (AVAILABILITY, "        bad:", "        worse:", "worse is not a known key"),
        (AVAILABILITY, "        bad:", "        good:", ""),
        (AVAILABILITY, "    owner: shop-team", "    team: shop-team", "owner is missing. Add owner"),
        (FAST, "threshold: 14.4", "threshold: 0", "must be a burn rate above 0"),
        (
            FAST,
            "threshold: 14.4",
            "threshold: 100",
            "page-fast can never fire: 100 × a budget of 1 % is an error ratio",
        ),
        (FAST, "lookbackWindow: 1h", "lookbackWindow: 8d", "8 d is no window of an alarm. Use 7 d at most."),
        (FAST, "kit/short-window: 5m", "kit/short-window: 1h", "must be shorter than 1 h"),
        (FAST, "lookbackWindow: 1h", "lookbackWindow: 6h", "page-fast and page-slow have the same long window"),
        (FAST, "op: gt", "op: lte", "must be gt; it is"),
        (FAST, "alertWhenNoData: false", "alertWhenNoData: true", "a ratio is blind without data"),
        (FAST, "targetRef: page", "targetRef: slack", "'slack' is not known"),
        (FAST, "name: page-fast\n", "name: page-slow\n", "page-slow is defined in slos/policies/page-fast.yaml too"),
        (
            "slos/shop-checkout-latency.yaml",
            "kit/suppressed-by: shop-checkout-availability",
            "kit/suppressed-by: shop-checkout",
            "shop-checkout is no other SLO here. Known are shop-checkout-availability, shop-checkout-correctness.",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_the_place(
    edit: Edit, complaints: Complaints, file: str, old: str, new: str, told: str
) -> None:
    edit(file, old, new)
    found = complaints()
    if not told:
        assert found == []
        return
    matching = [line for line in found if told.replace("'slack'", '"slack"') in line]
    assert matching, found
    assert matching[0].startswith("slos/")
    assert ".yaml#/" in matching[0]
    assert all("\n" not in line for line in found)


def test_a_tier_that_can_never_fire_is_refused_by_name_with_the_remedy(edit: Edit, complaints: Complaints) -> None:
    edit(AVAILABILITY, "target: 0.99", "target: 0.93")
    (line,) = complaints()
    assert line == (
        f"{AVAILABILITY}#/spec/alertPolicies/0/alertPolicyRef: line 45: page-fast can never fire: 14.4 × a budget of "
        "7 % is an error ratio of 1.008, and there is none above 1. Leave the tier out, promise more than 93.0556 %, "
        "or lower its threshold."
    )


def test_every_file_is_complained_of_at_once(edit: Edit, complaints: Complaints, project: Path) -> None:
    edit(AVAILABILITY, "target: 0.99", "target: 2")
    edit(FAST, "op: gt", "op: lt")
    (project / "slos/other.yaml").write_text("kind: [\n")
    assert [line.split("#")[0].split(":")[0] for line in complaints()] == ["slos/other.yaml", FAST, AVAILABILITY]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="no such folder"):
        read_slos(tmp_path / "slos", tmp_path)


@pytest.mark.parametrize("percent", ["99", "99.0"])
def test_a_target_in_percent_is_the_same_target(edit: Edit, project: Path, percent: str) -> None:
    edit(AVAILABILITY, "target: 0.99", f"targetPercent: {percent}")
    assert read_slos(project / "slos", project)[0].target == Fraction(99, 100)


def test_the_schemas_describe_the_shipped_files() -> None:
    for path in (ROOT / "slos").rglob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        known = schema("slo" if document["kind"] == "SLO" else "alert-policy")
        assert set(document["spec"]) <= set(known["properties"]["spec"]["properties"])
