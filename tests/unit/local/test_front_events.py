import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from local.front.events import Incoming, authorizer_event, is_binary, proxy_event
from local.front.routes import Match, Resource
from local.stack import StackSpec

STACK = StackSpec(
    stage="dev",
    region="eu-west-1",
    account_id="123456789012",
    aws_endpoint_url="http://127.0.0.1:1",
    functions={},
    routes=(),
    binary_media_types=("image/*",),
)
MATCH = Match(Resource("/api/v1/api-keys/{key_id}", {}), {"key_id": "a%40b"})


def incoming(query: str = "", *headers: tuple[str, str]) -> Incoming:
    return Incoming(
        method="PUT",
        path="/api/v1/api-keys/a%40b",
        query=query,
        headers=(("Host", "127.0.0.1:8080"), *headers),
        source_ip="127.0.0.1",
        request_id="11111111-2222-3333-4444-555555555555",
        received=datetime(2026, 11, 5, 4, 3, 2, 500_000, tzinfo=UTC),
    )


def event(request: Incoming, body: bytes = b"", authorizer: dict[str, object] | None = None) -> dict[str, Any]:
    return proxy_event(request, MATCH, STACK, body=body, authorizer=authorizer)


def test_a_proxy_event_has_exactly_the_documented_members() -> None:
    made = event(incoming())

    assert set(made) == {
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
        "body",
        "isBase64Encoded",
    }
    assert made["resource"] == "/api/v1/api-keys/{key_id}"
    assert made["path"] == "/api/v1/api-keys/a%40b"
    assert made["pathParameters"] == {"key_id": "a%40b"}
    assert made["httpMethod"] == "PUT"
    assert (made["body"], made["isBase64Encoded"]) == (None, False)
    assert made["queryStringParameters"] is None


def test_the_request_context_tells_who_asks_when_for_what() -> None:
    context = event(incoming("", ("User-Agent", "curl/8")), authorizer={"principalId": "k1"})["requestContext"]

    assert context["requestId"] == "11111111-2222-3333-4444-555555555555"
    assert context["resourcePath"] == "/api/v1/api-keys/{key_id}"
    assert (context["stage"], context["accountId"], context["protocol"]) == ("dev", "123456789012", "HTTP/1.1")
    assert context["requestTime"] == "05/Nov/2026:04:03:02 +0000"
    assert context["requestTimeEpoch"] == 1793851382500
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "curl/8"
    assert context["authorizer"] == {"principalId": "k1"}


def test_a_public_route_has_no_authorizer_in_its_context() -> None:
    assert "authorizer" not in event(incoming())["requestContext"]


def test_repeated_headers_and_parameters_keep_all_values_in_their_multi_value_form() -> None:
    made = event(incoming("group_by=model&group_by=key&note=a%20b+c&empty=", ("Accept", "a"), ("Accept", "b")))

    assert made["headers"]["Accept"] == "b"
    assert made["multiValueHeaders"]["Accept"] == ["a", "b"]
    assert made["queryStringParameters"] == {"group_by": "key", "note": "a b c", "empty": ""}
    assert made["multiValueQueryStringParameters"] == {"group_by": ["model", "key"], "note": ["a b c"], "empty": [""]}


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", '{"name": "✓"}'.encode(), ('{"name": "✓"}', False)),
        ("image/png", b"text", (base64.b64encode(b"text").decode(), True)),
        ("application/octet-stream", b"\xff\xfe", (base64.b64encode(b"\xff\xfe").decode(), True)),
    ],
)
def test_text_bodies_travel_as_text_and_binary_ones_in_base64(
    content_type: str, body: bytes, expected: tuple[str, bool]
) -> None:
    made = event(incoming("", ("content-type", content_type)), body)

    assert (made["body"], made["isBase64Encoded"]) == expected


@pytest.mark.parametrize(
    ("content_type", "types", "expected"),
    [
        ("image/png", ("image/*",), True),
        ("image/png; q=1", ("image/png",), True),
        ("text/plain", ("*/*",), True),
        ("text/plain", ("image/*",), False),
        ("", ("image/*",), False),
    ],
)
def test_binary_media_types_are_patterns(content_type: str, types: tuple[str, ...], *, expected: bool) -> None:
    assert is_binary(content_type, types) is expected


def test_an_authorizer_event_names_the_method_that_is_asked_for() -> None:
    made = authorizer_event(incoming("a=1", ("Authorization", "Bearer x")), MATCH, STACK)

    assert made["type"] == "REQUEST"
    assert made["methodArn"] == "arn:aws:execute-api:eu-west-1:123456789012:local/dev/PUT/api/v1/api-keys/a%40b"
    assert made["headers"] == {"Host": "127.0.0.1:8080", "Authorization": "Bearer x"}
    assert made["queryStringParameters"] == {"a": "1"}
    assert "body" not in made


@pytest.mark.parametrize(
    ("sent", "told", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080", "8080"),
        ("api.example.com", "api.example.com", "80"),
        ("G~", "localhost", "80"),
        ("a:b", "localhost", "80"),
        ("[::1]:8080", "localhost", "80"),
    ],
)
def test_a_host_that_leads_nowhere_is_not_handed_on(sent: str, told: str, port: str) -> None:
    asked = Incoming.of(make_mocked_request("GET", "/api/v1/me", headers={"Host": sent, "Accept": "*/*"}))

    assert (asked.header("Host"), asked.header("X-Forwarded-Port")) == (told, port)
    assert [name for name, _ in asked.headers].count("Host") == 1
