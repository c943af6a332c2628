from http import HTTPStatus
from typing import Any

import orjson
import pytest

from local.front.events import Incoming
from local.front.responses import MalformedProxyResponse, Refusal, proxy_response, refuse
from local.stack import CorsSpec, GatewayResponse, StackSpec

INCOMING = Incoming("GET", "/api/v1/me", "", (), "127.0.0.1", request_id="r-1")


def stack(**responses: GatewayResponse) -> StackSpec:
    return StackSpec(
        stage="dev",
        region="eu-west-1",
        account_id="123456789012",
        aws_endpoint_url="http://127.0.0.1:1",
        functions={},
        routes=(),
        cors=CorsSpec("https://app.example", "GET", "Authorization", 600),
        gateway_responses=responses,
    )


def translated(**result: Any) -> Any:
    return proxy_response(orjson.dumps(result), "r-1", "Root=1-1-1")


def test_status_headers_and_body_are_passed_on() -> None:
    response = translated(
        statusCode=201,
        headers={"Content-Type": "application/json", "ETag": '"1"', "X-Count": 3, "X-Flag": True},
        body='{"id": 1}',
    )

    assert (response.status, response.body) == (201, b'{"id": 1}')
    assert response.headers["ETag"] == '"1"'
    assert (response.headers["X-Count"], response.headers["X-Flag"]) == ("3", "true")
    assert response.headers["x-amzn-RequestId"] == "r-1"


def test_multi_value_headers_are_sent_once_per_value_and_win_over_single_ones() -> None:
    response = translated(
        statusCode=200, headers={"Set-Cookie": "c=0"}, multiValueHeaders={"set-cookie": ["a=1", "b=2"]}, body=""
    )

    assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]


def test_a_base64_body_is_sent_as_bytes() -> None:
    response = translated(statusCode=200, body="//4=", isBase64Encoded=True, headers={"Content-Type": "image/png"})

    assert response.body == b"\xff\xfe"
    assert response.headers["Content-Type"] == "image/png"


def test_headers_that_api_gateway_keeps_to_itself_are_renamed() -> None:
    response = translated(statusCode=401, headers={"WWW-Authenticate": "Bearer"}, body=None)

    assert "WWW-Authenticate" not in response.headers
    assert response.headers["x-amzn-Remapped-WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b'"text"',
        b"not json",
        b"{}",
        b'{"statusCode": "abc"}',
        b'{"statusCode": 42}',
        b'{"statusCode": 200, "body": {"a": 1}}',
        b'{"statusCode": 200, "headers": []}',
        b'{"statusCode": 200, "headers": {"a": {}}}',
        b'{"statusCode": 200, "multiValueHeaders": {"a": "b"}}',
        b'{"statusCode": 200, "body": "%", "isBase64Encoded": true}',
        b'{"statusCode": 200, "status": "also"}',
    ],
)
def test_what_is_no_proxy_response_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedProxyResponse):
        proxy_response(payload, "r-1", "t")


def problem(response: Any) -> Any:
    assert response.headers["Content-Type"] == "application/problem+json"
    return orjson.loads(response.body)


def test_a_refusal_is_a_problem_with_a_hint_for_the_developer() -> None:
    response = refuse(Refusal.MISSING_AUTHENTICATION_TOKEN, INCOMING, stack(), "no such route")

    assert response.status == HTTPStatus.NOT_FOUND
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert problem(response) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Missing Authentication Token",
        "hint": "no such route",
    }


def test_a_gateway_response_of_the_template_decides_status_headers_and_body() -> None:
    configured = GatewayResponse(
        status=418,
        headers={"X-Request-Id": "context.requestId", "Retry-After": "'1'"},
        content_type="application/problem+json",
        body='{"detail":$context.error.messageString,"request_id":"$context.requestId","none":"$context.unknown"}',
    )

    response = refuse(Refusal.UNAUTHORIZED, INCOMING, stack(UNAUTHORIZED=configured), "no header")

    assert response.status == 418
    assert (response.headers["X-Request-Id"], response.headers["Retry-After"]) == ("r-1", "1")
    assert problem(response) == {
        "status": 418,
        "detail": "Unauthorized",
        "request_id": "r-1",
        "none": "",
        "hint": "no header",
    }


@pytest.mark.parametrize(
    ("refusal", "name"), [(Refusal.REQUEST_TOO_LARGE, "DEFAULT_4XX"), (Refusal.BAD_GATEWAY, "DEFAULT_5XX")]
)
def test_a_default_gateway_response_keeps_the_refusals_own_status(refusal: Refusal, name: str) -> None:
    configured = GatewayResponse(status=0, headers={}, content_type="text/plain", body="refused: $context.requestId")

    response = refuse(refusal, INCOMING, stack(**{name: configured}), "")

    assert (response.status, response.text) == (refusal.status, "refused: r-1")
