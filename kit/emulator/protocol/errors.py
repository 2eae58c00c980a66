"""The one error that an operation raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AwsError(Exception):
    """An error as AWS answers it.

    ``code`` is what a client sees as ``error.response["Error"]["Code"]`` (``ResourceNotFound``,
    ``InvalidParameterValue``, ``ResourceNotFoundException`` ...); where the service model knows a shape for it, the
    answer names that shape. ``status`` is the HTTP status. ``fields`` are further members of the error's shape
    (``{"dashboardValidationMessages": [...]}``).
    """

    def __init__(self, code: str, message: str, status: int = 400, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields: Mapping[str, Any] = fields or {}


def internal_error() -> AwsError:
    """What a client is told when a handler fails in a way that nobody foresaw; the log has the rest."""
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error.", status=500)
