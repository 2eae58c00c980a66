"""What a team writes, alarms/*.json and dashboards/*.json: read into frozen values, checked, made fit for a stage.

``read(root)`` takes the files as they are, ``wanted(root, stage, region)`` gives what must stand on a stage: at
practice scale if the stage asks for it, with its account, Region, topics and environment. Nothing here speaks to AWS.
"""

from __future__ import annotations

from pathlib import Path

from kit.definitions.complaints import Complaint, DefinitionsError
from kit.definitions.model import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.definitions.practice import at_practice_scale
from kit.definitions.reading import read
from kit.definitions.stage import for_stage
from kit.settings import Stage

__all__ = [
    "AlarmFile",
    "Complaint",
    "CompositeFile",
    "DashboardFile",
    "Definitions",
    "DefinitionsError",
    "at_practice_scale",
    "for_stage",
    "read",
    "wanted",
]


def wanted(root: Path, stage: Stage, region: str) -> Definitions:
    """What must stand on ``stage`` in ``region``, from the files under ``root``.

    Raises DefinitionsError with every complaint about the files, and KitError for a topic that the stage doesn't name.
    """
    definitions = read(root)
    if stage.scale == "practice":
        definitions = at_practice_scale(definitions)
    return for_stage(definitions, stage, region)
