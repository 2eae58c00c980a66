"""What AWS's clients could not read of the services behind, put into AWS's form.

moto answers what it lacks with HTML pages, and what it stumbles over with a 500, which SDKs would try again and again.
Here both become errors in the protocol that the request speaks, with a status that nobody retries.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from kit.emulator.protocol import AwsError, Response
from kit.emulator.protocol.plain import FORM, escape, plain_error, query_error

_FAILED = 400  # HTTP's status from here on
_BROKEN = 500
_REDIRECTED = 300
_SCOPE = re.compile(r"Credential=[^/\s,]+/\d{8}/[^/\s,]+/([^/\s,]+)/aws4_request")
# REST-XML has no header that tells it from REST-JSON: these are its services, by the name in the credential.
_REST_XML = frozenset({"s3", "route53", "cloudfront"})
_REQUEST_ID = "x-amzn-requestid"
# What Flask calls a body that nobody gave a type, and a slip of moto's.
_NO_TYPES = frozenset({"text/html", "text/plain", "text", ""})


def no_such_operation(environ: Mapping[str, Any]) -> AwsError:
    """For an operation, a path or a whole service that isn't here."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    asked = target or f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
    code = "UnknownOperationException" if target else "InvalidAction"
    return AwsError(code, f"This emulator has no such operation of {service_of(environ) or 'AWS'}: {asked[:200]}")


def not_able_to(environ: Mapping[str, Any]) -> AwsError:
    """For a request that the service behind stumbled over. 501 since, unlike a 500, no SDK repeats it."""
    text = "does not get on with this request; a parameter may be missing, or it is one that the emulator lacks."
    return AwsError("NotImplemented", f"The emulated {service_of(environ) or 'service'} {text}", status=501)


def service_of(environ: Mapping[str, Any]) -> str:
    """The service that a request was signed for, empty if it wasn't."""
    found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found[1].lower() if found else ""


def error_like_the_request(environ: Mapping[str, Any], error: AwsError) -> Response:
    """An error in the protocol of the request: one of the three, or the XML of S3, EC2 and their like."""
    request_id = str(uuid.uuid4())
    headers = {"content-type": environ.get("CONTENT_TYPE", "").lower()}
    headers |= {"x-amz-target": "here"} if environ.get("HTTP_X_AMZ_TARGET") else {}
    headers |= {"smithy-protocol": "here"} if environ.get("HTTP_SMITHY_PROTOCOL") else {}
    service = service_of(environ)
    if len(headers) == 1 and service in _REST_XML:
        return _rest_xml(service, error, request_id)
    if service == "ec2" and headers["content-type"].startswith(FORM):
        return _ec2(error, request_id)
    return plain_error(headers, error, request_id)


def readable(environ: Mapping[str, Any], response: Response) -> Response:
    """The answer of the service behind, or an error in its place if no client of AWS would understand it."""
    headers = {name: value for name, value in response.headers.items() if not name.lower().startswith("access-control")}
    if not any(name.lower() in (_REQUEST_ID, "x-amz-request-id") for name in headers):
        headers[_REQUEST_ID] = str(uuid.uuid4())
    unnamed = response.content_type.partition(";")[0].strip().lower() in _NO_TYPES
    if response.status >= _BROKEN:
        return error_like_the_request(environ, not_able_to(environ))
    kind = _type_of(environ, response.body) if unnamed else response.content_type
    if response.status >= _FAILED:
        if environ.get("REQUEST_METHOD") != "HEAD" and not _names_its_error(response):
            return error_like_the_request(environ, no_such_operation(environ))
        return Response(response.status, response.body, kind, headers)
    if not unnamed or (service_of(environ) == "s3" and response.body):  # an object of S3's may be a page
        return Response(response.status, response.body, response.content_type, headers)
    if response.status >= _REDIRECTED or response.body.lstrip()[:5].lower() in (b"<!doc", b"<html"):
        return error_like_the_request(environ, no_such_operation(environ))
    return Response(response.status, response.body, kind, headers)


def _type_of(environ: Mapping[str, Any], body: bytes) -> str:
    if not body:
        return ""
    if body.lstrip().startswith(b"<"):
        return "text/xml"
    return "application/x-amz-json-1.1" if environ.get("HTTP_X_AMZ_TARGET") else "application/json"


def _names_its_error(response: Response) -> bool:
    if any(name.lower() == "x-amzn-errortype" for name in response.headers):
        return True
    body = response.body.strip()
    try:
        if body.startswith(b"<"):
            root = ElementTree.fromstring(body)  # noqa: S314 - what moto wrote, no stranger
            return any(node.tag.rpartition("}")[2] == "Code" and node.text for node in root.iter())
        tree = json.loads(body)
    except (ValueError, ElementTree.ParseError):
        return False
    return isinstance(tree, dict) and any(isinstance(tree.get(name), str) for name in ("__type", "code", "Code"))


def _rest_xml(service: str, error: AwsError, request_id: str) -> Response:
    if service != "s3":
        return query_error(error.status, error.code, error.message, request_id)
    text = (
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )
    headers = {"x-amz-request-id": request_id, _REQUEST_ID: request_id}
    return Response(error.status, text.encode(), "application/xml", headers)


def _ec2(error: AwsError, request_id: str) -> Response:
    text = (
        f"<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"</Errors><RequestID>{request_id}</RequestID></Response>"
    )
    return Response(error.status, text.encode(), "text/xml", {_REQUEST_ID: request_id})
