"""Makes the calls that it reads from standard input with whichever boto3 its interpreter has.

``python boto3_client.py ENDPOINT [PROTOCOL]``; writes one JSON list of answers. It runs in other environments than the
project's, so it imports nothing but boto3.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from typing import Any

import boto3
import botocore.model
from botocore.config import Config
from botocore.exceptions import ClientError


def main() -> None:
    endpoint, protocol = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    if protocol is not None:
        # the newest botocore picks the first of these that a service has; an older one knows one only
        botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = (protocol, "json", "rest-json")  # type: ignore[attr-defined]
    clients: dict[str, Any] = {service: _client(service, endpoint) for service in ("cloudwatch", "logs")}
    spoken = _spoken(clients["cloudwatch"])
    answers = [_call(clients[service], operation, params) for service, operation, params in json.load(sys.stdin)]
    json.dump({"protocol": spoken(), "answers": answers}, sys.stdout)


def _client(service: str, endpoint: str) -> Any:
    untyped: Any = boto3
    return untyped.client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def _spoken(client: Any) -> Any:
    """What the requests of a client were seen to speak."""
    seen: set[str] = set()

    def look(request: Any, **_: Any) -> None:
        kind = request.headers["Content-Type"] or b""
        seen.add(kind.decode() if isinstance(kind, bytes) else kind)

    client.meta.events.register("before-send", look)
    return lambda: sorted(seen)


def _call(client: Any, operation: str, params: dict[str, Any]) -> Any:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    try:
        answer = getattr(client, name)(**params)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        known = error.response["Error"]
        return {"error": {"Code": known["Code"], "Message": known["Message"]}, "status": status}
    answer.pop("ResponseMetadata", None)
    return _plain(answer)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
