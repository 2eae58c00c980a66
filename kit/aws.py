"""The only maker of boto3 clients: region, profile, endpoint and credentials are decided here.

Against the local stage credentials are ``test``/``test``; against AWS the normal chain applies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError
from botocore.loaders import create_loader

from kit.errors import KitError
from kit.settings import Settings

USER_AGENT = "observability-starter-kit"

ACTION = "KitAction"
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
UNKNOWN = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"})


def client(settings: Settings, service: str, *, attempts: int = 4, read_timeout_s: float = 20) -> Any:
    """A boto3 client for ``service`` (for instance ``cloudwatch``) on the stage's account.

    Raises KitError when the profile does not exist.
    """
    local = settings.stage.local
    try:
        session = boto3.Session(
            botocore_session=_core(),
            region_name=settings.region,
            profile_name=None if local else settings.profile,
            aws_access_key_id="test" if local else None,
            aws_secret_access_key="test" if local else None,
        )
        made: Any = session.client(
            service,  # type: ignore[call-overload]  # the name is data here
            endpoint_url=settings.endpoint_url,
            config=Config(
                connect_timeout=3,
                read_timeout=read_timeout_s,
                retries={"total_max_attempts": attempts, "mode": "standard"},
                user_agent_extra=USER_AGENT,
            ),
        )
        made.meta.events.register("after-call", _note_action(service))
        return made
    except BotoCoreError as error:
        raise KitError("AWS session", str(error), "Check --profile and --region.") from error


def _core() -> Any:
    """A botocore session that shares what it reads (endpoints, service models) with the others: 7 MB a client."""
    made: Any = botocore.session.get_session()
    made.register_component("data_loader", _loader())
    return made


@cache
def _loader() -> Any:
    return create_loader()


def _note_action(service: str) -> Callable[..., None]:
    """Write the IAM action of a call into its answer: an error knows its operation, but not of which service."""

    def note(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if "Error" in parsed:
            parsed[ACTION] = f"{service}:{model.name}"

    return note


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
        raise refusal(settings, error, doing) from error
    except BotoCoreError as error:
        raise KitError(where, f"{error} while {doing}", "Check credentials, --profile and --region.") from error


def refusal(settings: Settings, error: ClientError, doing: str) -> KitError:
    """What AWS refused, as one line that says what to do about it."""
    where = settings.endpoint_url or f"AWS {settings.region}"
    answer = error.response.get("Error", {})
    code = answer.get("Code", "")
    if code in DENIED:
        return denied(settings, (error,))
    if code in EXPIRED:
        return KitError(where, f"the credentials have expired ({code}, while {doing})", "Sign in again.")
    if code in UNKNOWN:
        return KitError(where, f"AWS doesn't know the credentials ({code}, while {doing})", "Check --profile.")
    if "Throttl" in code or code in ("RequestLimitExceeded", "TooManyRequestsException"):
        remedy = "Wait for what else writes there to end, and run it again."
        return KitError(where, f"still throttled after many tries ({code}, while {doing})", remedy)
    return KitError(where, f"{code} while {doing}: {answer.get('Message')}")


def denied(settings: Settings, errors: Sequence[ClientError]) -> KitError:
    """One line for permissions that are missing, with the IAM statement that would grant them."""
    actions = sorted({str(error.response.get(ACTION, error.operation_name)) for error in errors})
    services = {action.partition(":")[0] for action in actions}
    statement = {
        "Effect": "Allow",
        "Action": actions[0] if len(actions) == 1 else actions,
        "Resource": "*" if services != {"sns"} else f"arn:*:sns:*:{settings.stage.account}:*",
    }
    where = settings.endpoint_url or f"AWS {settings.region}"
    remedy = f"Add to the policy of the role: {json.dumps(statement)}"
    return KitError(where, f"the credentials may not call {', '.join(actions)}", remedy)


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
