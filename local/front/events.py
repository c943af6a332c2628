"""The events that a REST API sends to functions: proxy integration (payload 1.0) and REQUEST authorizer.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
"""

import base64
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from aiohttp import web

from local.front.routes import Match
from local.runtime.models import new_trace_id
from local.stack import StackSpec

API_ID = "local"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request to the API, with what the front door decided about it.

    Attributes:
        method: The HTTP method.
        path: The path as sent, percent-encoded, without query.
        query: The query as sent.
        headers: Names and values as sent, and those that API Gateway adds.
        source_ip: The client's address.
        request_id: API Gateway's id of the request.
        trace_id: The trace header, the client's or a new one.
        received: When the request came.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    source_ip: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = ""
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, request: web.BaseRequest) -> "Incoming":
        """Read what the connection tells, and add the headers that API Gateway adds."""
        path, _, query = request.raw_path.partition("?")
        source_ip = request.remote or ""
        trace_id = request.headers.get("X-Amzn-Trace-Id") or new_trace_id()
        sent = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers)
        headers = [(name, value) for name, value in sent if name.lower() not in _REPLACED]
        host = _HOST.fullmatch(request.headers.get("Host", ""))
        if host is None:  # nobody would be led to API Gateway by it
            headers = [("Host", "localhost"), *((name, value) for name, value in headers if name.lower() != "host")]
        forwarded = request.headers.getall("X-Forwarded-For", [])
        headers += [
            ("X-Forwarded-For", ", ".join([*forwarded, source_ip])),
            ("X-Forwarded-Port", (host and host["port"]) or "80"),
            ("X-Forwarded-Proto", "http"),
            ("X-Amzn-Trace-Id", trace_id),
        ]
        return cls(request.method, path, query, tuple(headers), source_ip, trace_id=trace_id)

    def header(self, name: str) -> str | None:
        """Return a header's value, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::(?P<port>[0-9]{1,5}))?")
_REPLACED = frozenset({"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id", "connection"})


def proxy_event(
    incoming: Incoming,
    match: Match,
    stack: StackSpec,
    *,
    body: bytes,
    authorizer: Mapping[str, object] | None,
) -> dict[str, object]:
    """Build the event of a Lambda proxy integration."""
    text, encoded = _body(body, incoming.header("Content-Type") or "", stack.binary_media_types)
    return {
        **_request_fields(incoming, match, stack, authorizer),
        "stageVariables": None,
        "body": text,
        "isBase64Encoded": encoded,
    }


def authorizer_event(incoming: Incoming, match: Match, stack: StackSpec) -> dict[str, object]:
    """Build the event of a REQUEST authorizer."""
    return {
        "type": "REQUEST",
        "methodArn": method_arn(incoming, stack),
        **_request_fields(incoming, match, stack, None),
        "stageVariables": {},
    }


def method_arn(incoming: Incoming, stack: StackSpec) -> str:
    """Name the method and the path that are asked for, as policies do."""
    path = incoming.path.lstrip("/")
    return f"arn:aws:execute-api:{stack.region}:{stack.account_id}:{API_ID}/{stack.stage}/{incoming.method}/{path}"


def _request_fields(
    incoming: Incoming, match: Match, stack: StackSpec, authorizer: Mapping[str, object] | None
) -> dict[str, object]:
    query = parse_qsl(incoming.query, keep_blank_values=True)
    return {
        "resource": match.resource.path,
        "path": incoming.path,
        "httpMethod": incoming.method,
        "headers": dict(incoming.headers),
        "multiValueHeaders": _grouped(incoming.headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": dict(match.parameters) or None,
        "requestContext": request_context(incoming, match, stack, authorizer),
    }


def request_context(
    incoming: Incoming, match: Match, stack: StackSpec, authorizer: Mapping[str, object] | None
) -> dict[str, object]:
    """What API Gateway knows of a request; with `authorizer`, also of who sent it."""
    host = incoming.header("Host") or ""
    context: dict[str, object] = {
        "accountId": stack.account_id,
        "apiId": API_ID,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": incoming.request_id,
        "httpMethod": incoming.method,
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": incoming.source_ip,
            "user": None,
            "userAgent": incoming.header("User-Agent"),
            "userArn": None,
        },
        "path": incoming.path,
        "protocol": "HTTP/1.1",
        "requestId": incoming.request_id,
        "requestTime": incoming.received.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(incoming.received.timestamp() * 1000),
        "resourceId": "local",
        "resourcePath": match.resource.path,
        "stage": stack.stage,
    }
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    return context


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _body(body: bytes, content_type: str, binary_types: Iterable[str]) -> tuple[str | None, bool]:
    """Text as it is; a binary media type, or what is no text at all, in base64."""
    if not body:
        return None, False
    if not is_binary(content_type, binary_types):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def is_binary(content_type: str, binary_types: Iterable[str]) -> bool:
    """Tell whether the API's binary media types name this one; `*/*` and `image/*` are patterns."""
    media_type = content_type.partition(";")[0].strip().lower()
    kind = media_type.partition("/")[0]
    return any(wanted.lower() in {media_type, f"{kind}/*", "*/*"} for wanted in binary_types)
