"""What must hold before anything is written to a stage. Each refusal is one line, and nothing has been written."""

from __future__ import annotations

from collections.abc import Sequence

from kit.deploy.plan import Change
from kit.errors import KitError
from kit.settings import Settings, Stage

FEW = 10
"""Below so many live definitions of ours a share says nothing: one of three is a third."""


def require_own_region(settings: Settings) -> None:
    """The Region must be the stage's own, and its topics must be there: an alarm tells topics of its Region only.

    The local stage is one machine, whichever Region it is asked for.
    """
    stage = settings.stage
    if stage.local:
        return
    where = f"stages/{stage.name}.yaml"
    if settings.region != stage.region:
        problem = f"region: the stage is in {stage.region}, --region or AWS_REGION says {settings.region}"
        raise KitError(where, problem, "Leave it out, or name the stage of that Region.")
    for topic, arn in stage.actions.items():
        parts = arn.split(":")
        if parts[2:3] != ["sns"] or len(parts) != 6:
            raise KitError(where, f"actions: {topic} is not the ARN of a topic: {arn}", "Write arn:aws:sns:….")
        if parts[3] != stage.region:
            problem = f"actions: the topic {topic} is in {parts[3]}, the stage in {stage.region}"
            raise KitError(where, problem, "An alarm can tell a topic of its own Region only.")


def require_no_obstacle(changes: Sequence[Change]) -> None:
    """Refuse what would overwrite what isn't ours, or what AWS would refuse halfway."""
    for change in changes:
        if change.obstacle is not None:
            raise KitError(f"{change.kind} {change.name}", change.obstacle.problem, change.obstacle.remedy)


def require_small(changes: Sequence[Change], stage: Stage, max_change: int | None = None) -> None:
    """Refuse updates and deletes above a share of what stands, in percent; creating is not counted."""
    limit = stage.max_change if max_change is None else max_change
    standing = [change for change in changes if change.arn is not None]
    hit = [change for change in standing if change.action in ("update", "delete")]
    if stage.local or len(standing) < FEW or len(hit) * 100 <= limit * len(standing):
        return
    share = f"{len(hit)} of {len(standing)} would be updated or deleted, {100 * len(hit) / len(standing):.0f} %"
    remedy = f"Read the plan, then allow it: --max-change {-(-100 * len(hit) // len(standing))}"
    raise KitError(f"stage {stage.name}", f"{share}; the stage allows {limit} %", remedy)


def require_agreement(stage: Stage, *, agreed: bool) -> None:
    """A protected stage takes --yes or a plan file, nothing less: no question at a terminal."""
    if stage.protected and not agreed:
        raise KitError(
            f"stages/{stage.name}.yaml",
            "the stage is protected: nothing was written",
            "Read the plan above, then run it again with --yes, or with --plan and a plan file.",
        )
