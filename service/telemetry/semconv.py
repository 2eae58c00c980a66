"""The attribute names of spans, pinned to OpenTelemetry's stable semantic conventions.

(OpenTelemetry: "Semantic conventions for HTTP spans", "for database client calls", "for exceptions".) What this package
records uses the names above; OLDER only reads what libraries on earlier conventions record, so that their spans fill
the same places of a segment.
"""

from __future__ import annotations

HTTP_METHOD = "http.request.method"
HTTP_STATUS = "http.response.status_code"
HTTP_RESPONSE_SIZE = "http.response.body.size"
HTTP_ROUTE = "http.route"
URL_FULL = "url.full"
URL_SCHEME = "url.scheme"
URL_PATH = "url.path"
URL_TEMPLATE = "url.template"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
CLIENT_ADDRESS = "client.address"
USER_AGENT = "user_agent.original"
PROTOCOL_VERSION = "network.protocol.version"
ERROR_TYPE = "error.type"
OPERATION = "operation"  # ours: the metrics' dimension, so that a trace can be found by it
PEER_SERVICE = "peer.service"
DB_SYSTEM = "db.system.name"
DB_NAMESPACE = "db.namespace"
DB_QUERY = "db.query.text"
DB_OPERATION = "db.operation.name"
DB_SUMMARY = "db.query.summary"
EXCEPTION = "exception"  # the name of an event
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"

# Name of an earlier convention -> the stable one.
OLDER = {
    "http.method": HTTP_METHOD,
    "http.status_code": HTTP_STATUS,
    "http.response_content_length": HTTP_RESPONSE_SIZE,
    "http.url": URL_FULL,
    "http.scheme": URL_SCHEME,
    "http.target": URL_PATH,
    "http.user_agent": USER_AGENT,
    "http.client_ip": CLIENT_ADDRESS,
    "net.host.name": SERVER_ADDRESS,
    "net.host.port": SERVER_PORT,
    "db.system": DB_SYSTEM,
    "db.name": DB_NAMESPACE,
    "db.statement": DB_QUERY,
    "db.operation": DB_OPERATION,
}

# Attributes that steer the making of a segment (OpenTelemetry Collector Contrib: internal/aws/xray).
AWS_LOCAL_SERVICE = "aws.local.service"
AWS_REMOTE_SERVICE = "aws.remote.service"
AWS_SERVICE = "aws.service"
XRAY_ANNOTATIONS = "aws.xray.annotations"
XRAY_METADATA = "aws.xray.metadata."
END_USER = "enduser.id"
