"""What the client gets: a function's proxy response, or the front door's own refusal.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import base64
import binascii
import re
from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus

import orjson
from aiohttp import web
from multidict import CIMultiDict

from local.front.events import Incoming
from local.stack import GatewayResponse, StackSpec

PROBLEM = "application/problem+json"

REMAPPED = frozenset(
    {"connection", "content-length", "date", "host", "server", "transfer-encoding", "www-authenticate"}
)
"""Headers of a function that API Gateway renames or overwrites:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html"""

_PROXY_FIELDS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_STATUSES = range(100, 600)
_VARIABLE = re.compile(r"\$?context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")


class Refusal(Enum):
    """API Gateway's response types that the front door uses: name, status, message, error type."""

    UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, "Unauthorized", "UnauthorizedException")
    ACCESS_DENIED = (
        HTTPStatus.FORBIDDEN,
        "User is not authorized to access this resource",
        "AccessDeniedException",
    )
    MISSING_AUTHENTICATION_TOKEN = (
        HTTPStatus.NOT_FOUND,
        "Missing Authentication Token",
        "MissingAuthenticationTokenException",
    )
    REQUEST_TOO_LARGE = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long", "RequestTooLongException")
    AUTHORIZER_FAILURE = (HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error", "AuthorizerFailureException")
    AUTHORIZER_CONFIGURATION_ERROR = (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal server error",
        "AuthorizerConfigurationException",
    )
    INTEGRATION_TIMEOUT = (HTTPStatus.GATEWAY_TIMEOUT, "Endpoint request timed out", "GatewayTimeoutException")
    BAD_GATEWAY = (HTTPStatus.BAD_GATEWAY, "Internal server error", "InternalServerErrorException")

    @property
    def status(self) -> HTTPStatus:
        """The status without a gateway response of the template."""
        return self.value[0]

    @property
    def message(self) -> str:
        """`$context.error.message`."""
        return self.value[1]

    @property
    def error_type(self) -> str:
        """The value of `x-amzn-ErrorType`."""
        return self.value[2]


def refuse(refusal: Refusal, incoming: Incoming, stack: StackSpec, hint: str) -> web.Response:
    """Answer as the template's gateway responses say, in problem+json.

    Args:
        refusal: Why.
        incoming: The request.
        stack: Whose gateway responses count.
        hint: What a developer at this laptop wants to know; the member `hint` of the problem.
    """
    configured = _configured(refusal, stack.gateway_responses)
    variables = {
        "requestId": incoming.request_id,
        "error.message": refusal.message,
        "error.messageString": orjson.dumps(refusal.message).decode(),
        "error.responseType": refusal.name,
    }
    status = configured.status if configured and configured.status else refusal.status
    headers = {"x-amzn-ErrorType": refusal.error_type, "x-amzn-RequestId": incoming.request_id}
    problem: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "detail": refusal.message}
    content_type = PROBLEM
    if configured:
        headers |= {name: _header(value, variables) for name, value in configured.headers.items()}
        body = _filled_in(configured.body, variables)
        content_type = configured.content_type
        try:
            problem = orjson.loads(body)
        except orjson.JSONDecodeError:
            return web.Response(text=body, status=status, content_type=content_type, headers=headers)
    elif stack.cors:
        headers["Access-Control-Allow-Origin"] = stack.cors.allow_origin
    problem = {"status": int(status), **problem, "hint": hint}
    return web.Response(body=orjson.dumps(problem), status=status, content_type=content_type, headers=headers)


def _configured(refusal: Refusal, responses: Mapping[str, GatewayResponse]) -> GatewayResponse | None:
    default = "DEFAULT_4XX" if refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR else "DEFAULT_5XX"
    return responses.get(refusal.name) or responses.get(default)


def _filled_in(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), text)


def _header(value: str, variables: Mapping[str, str]) -> str:
    """A response parameter: `'text'`, or `context.requestId`."""
    if value.startswith("'"):
        return value.strip("'")
    return _filled_in(value, variables)


class MalformedProxyResponse(ValueError):
    """What the function returned is no proxy response; API Gateway answers 502."""


def proxy_response(payload: bytes, request_id: str, trace_id: str) -> web.Response:
    """Translate a function's result: statusCode, headers, multiValueHeaders, body, isBase64Encoded.

    Raises MalformedProxyResponse.
    """
    try:
        result = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedProxyResponse("it is not JSON") from error
    if not isinstance(result, dict):
        raise MalformedProxyResponse("it is not an object")
    if unknown := result.keys() - _PROXY_FIELDS:
        raise MalformedProxyResponse(f"unknown field {', '.join(sorted(unknown))}")
    return web.Response(
        body=_response_body(result),
        status=_status(result),
        headers=_response_headers(result, {"x-amzn-RequestId": request_id, "X-Amzn-Trace-Id": trace_id}),
    )


def _status(result: Mapping[str, object]) -> int:
    try:
        status = int(str(result["statusCode"]))
    except (KeyError, ValueError) as error:
        raise MalformedProxyResponse("statusCode is missing or no number") from error
    if status not in _STATUSES:
        raise MalformedProxyResponse(f"statusCode is {status}")
    return status


def _response_headers(result: Mapping[str, object], own: Mapping[str, str]) -> CIMultiDict[str]:
    """Both kinds of headers together; where both name one, the multi-value one counts."""
    single, multiple = _object(result, "headers"), _object(result, "multiValueHeaders")
    many = {str(name).lower() for name in multiple}
    headers: CIMultiDict[str] = CIMultiDict(own)
    pairs = [(name, [value]) for name, value in single.items() if str(name).lower() not in many]
    for name, values in [*pairs, *multiple.items()]:
        if not isinstance(values, list) or any(isinstance(value, dict | list) for value in values):
            raise MalformedProxyResponse(f"header {name} is not text")
        passed_on = f"x-amzn-Remapped-{name}" if str(name).lower() in REMAPPED else str(name)
        for value in values:
            headers.add(passed_on, str(value).lower() if isinstance(value, bool) else str(value))
    headers.setdefault("Content-Type", "application/json")
    return headers


def _object(result: Mapping[str, object], name: str) -> dict[object, object]:
    value = result.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedProxyResponse(f"{name} is not an object")
    return value


def _response_body(result: Mapping[str, object]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedProxyResponse("body is not text")
    if not result.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedProxyResponse("body is not base64") from error
