"""AWS's wire protocols, driven by botocore's service models.

The layers, from the outside in:

- ``http``: Request and Response, plain values.
- ``codec``: what a protocol's codec must do; ``aws_json``, ``aws_cbor`` and ``aws_query`` are the codecs. One turns
  bytes into a tree of Python values and back. ``plain`` answers for requests that no codec claims.
- ``reading`` / ``writing``: tree <-> handler values by the shapes of the model, with the service's own validation;
  ``compiling`` makes functions of the shapes. ``straight`` is the short way from JSON, for requests that are plainly
  right.
- ``operations``: one file an operation, found by its name.

A handler is ``handle(engine, params, context) -> dict``. It sees member names as in the model, timestamps as float
epoch seconds, blobs as bytes, numbers as numbers; an absent or null member is an absent key. It returns the same.
"""

from kit.emulator.protocol.context import Context
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.operations import Handler, Operations

__all__ = ["AwsError", "Context", "Handler", "Operations", "Request", "Response"]
