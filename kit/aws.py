"""The only maker of boto3 clients: region, profile, endpoint and credentials are decided here.

Against the local stage credentials are ``test``/``test``; against AWS the normal chain applies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError

from kit.errors import KitError
from kit.settings import Settings

USER_AGENT = "observability-starter-kit"


def client(settings: Settings, service: str, *, attempts: int = 4, read_timeout_s: float = 20) -> Any:
    """A boto3 client for ``service`` (for instance ``cloudwatch``) on the stage's account.

    Raises KitError when the profile does not exist.
    """
    local = settings.stage.local
    try:
        session = boto3.Session(
            region_name=settings.region,
            profile_name=None if local else settings.profile,
            aws_access_key_id="test" if local else None,
            aws_secret_access_key="test" if local else None,
        )
        return session.client(
            service,  # type: ignore[call-overload]  # the name is data here
            endpoint_url=settings.endpoint_url,
            config=Config(
                connect_timeout=3,
                read_timeout=read_timeout_s,
                retries={"total_max_attempts": attempts, "mode": "standard"},
                user_agent_extra=USER_AGENT,
            ),
        )
    except BotoCoreError as error:
        raise KitError("AWS session", str(error), "Check --profile and --region.") from error


@contextmanager
def readable_errors(settings: Settings, doing: str) -> Iterator[None]:
    """Turn what botocore raises into one line that says what was being done, where, and what to do."""
    where = settings.endpoint_url or f"AWS {settings.region}"
    try:
        yield
    except (EndpointConnectionError, HTTPClientError) as error:
        remedy = "Start it with `make up` or `kit emulate`." if settings.stage.local else "Check the network."
        raise KitError(where, f"no answer while {doing}", remedy) from error
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise KitError(where, f"{answer.get('Code')} while {doing}: {answer.get('Message')}") from error
    except BotoCoreError as error:
        raise KitError(where, f"{error} while {doing}", "Check credentials, --profile and --region.") from error


def confirm_account(settings: Settings) -> None:
    """Ask STS whose account this is; refuse when it is not the stage's.

    Raises KitError when the answer differs or does not come.
    """
    with readable_errors(settings, "asking STS for the account"):
        found = client(settings, "sts").get_caller_identity()["Account"]
    if found != settings.stage.account:
        raise KitError(
            f"stages/{settings.stage.name}.yaml",
            f"account: the stage names {settings.stage.account}, the credentials belong to {found}",
            "Choose the right --profile or --stage.",
        )
