"""What isn't HTTP, or too much of it, never reaches the door: the server refuses it, here in AWS's form."""

from __future__ import annotations

import uuid

from waitress.task import ErrorTask

from kit.emulator.protocol.at_once import AtOnceChannel
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.one_piece import OnePieceTask
from kit.emulator.protocol.plain import plain_error

_CODES = {413: "RequestEntityTooLargeException", 431: "RequestHeaderFieldsTooLarge", 501: "NotImplemented"}


class AwsErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers for a request that waitress could not read."""

    def execute(self) -> None:
        """Write the whole answer and close: where the next request would start is not known."""
        trouble = self.request.error
        code = _CODES.get(trouble.code, "InternalFailure" if trouble.code >= 500 else "MalformedHttpRequestException")
        error = AwsError(code, f"{trouble.reason}: {trouble.body}", status=trouble.code)
        response = plain_error({}, error, str(uuid.uuid4()))
        self.status = f"{trouble.code} {trouble.reason}"
        self.response_headers.extend([("Content-Type", response.content_type), *response.headers.items()])
        self.set_close_on_finish()
        self.content_length = len(response.body)
        self.write(response.body)


class Channel(AtOnceChannel):
    """A connection whose refusals are AWS's."""

    task_class = OnePieceTask
    error_task_class = AwsErrorTask
