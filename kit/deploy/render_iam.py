"""The policies of iam/, fit for a stage: they hold the same stand-ins as the definitions do."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kit.definitions.practice import PREFIX
from kit.definitions.stage import ACCOUNT, ENVIRONMENT, REGION, partition
from kit.errors import KitError
from kit.settings import Stage

_ALARM = re.compile(rf"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:(?!\*)")
_TOPIC = re.compile(rf"arn:aws:sns:{REGION}:{ACCOUNT}:(page|ticket)(\*?)")


def policies(root: Path) -> tuple[str, ...]:
    """The names of the policies, sorted: iam/NAME.json."""
    return tuple(sorted(path.stem for path in (root / "iam").glob("*.json")))


def policy(root: Path, name: str, stage: Stage, region: str) -> str:
    """The policy document ``name`` as JSON text. KitError if there is none, or it isn't JSON."""
    known = policies(root)
    if name not in known:
        raise KitError(f"iam/{name}.json", "no such policy", f"There are {', '.join(known) or 'none'}.")
    try:
        document = json.loads((root / "iam" / f"{name}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise KitError(f"iam/{name}.json", f"is not JSON: {error}", "Mend the line that is named.") from error
    return json.dumps(_fitted(document, stage, region), indent=2) + "\n"


def _fitted(value: object, stage: Stage, region: str) -> object:
    if isinstance(value, dict):
        return {key: _fitted(inner, stage, region) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fitted(inner, stage, region) for inner in value]
    return _text(value, stage, region) if isinstance(value, str) else value


def _text(text: str, stage: Stage, region: str) -> str:
    topic = _TOPIC.fullmatch(text)
    if topic is not None:
        # A stage may call its topics otherwise; one that it doesn't name keeps the name that the files use.
        found = stage.actions.get(topic[1])
        if found is not None:
            return found + topic[2]
    if not text.startswith("arn:aws:"):
        return region if text == REGION else text
    if stage.scale == "practice":
        text = _ALARM.sub(lambda match: match[0] + PREFIX, text)
    text = text.replace(f"/{ENVIRONMENT}/", f"/{stage.environment}/")
    text = text.replace("arn:aws:", f"arn:{partition(region)}:", 1).replace(f":{ACCOUNT}:", f":{stage.account}:", 1)
    return text.replace(f":{REGION}:", f":{region}:", 1)
