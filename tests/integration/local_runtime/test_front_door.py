"""The front door over HTTP, in front of real workers and a real web function."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from local.front.door import FrontDoor
from local.front.pages import LocalPages
from local.runtime.host import RuntimeHost
from local.runtime.models import Invocation, UnknownSchedule
from local.stack import AuthorizerSpec, CorsSpec, FunctionSpec, RouteSpec, StackSpec

MakeFunction = Callable[..., FunctionSpec]
MakeStack = Callable[[Sequence[FunctionSpec]], StackSpec]
StartHost = Callable[..., Awaitable[RuntimeHost]]


def route(path: str, handler: str, **options: Any) -> RouteSpec:
    method, _, path = path.partition(" ")
    return RouteSpec(method, path, handler, **{"authorizer": False, "streaming": False, **options})


ROUTES = (
    route("ANY /v1/{proxy+}", "WebFunction", streaming=True),
    route("GET /v1/private", "WebFunction", streaming=True, authorizer=True),
    route("ANY /api/v1/public/{proxy+}", "DescribeFunction"),
    route("GET /api/v1/private", "DescribeFunction", authorizer=True),
    route("DELETE /api/v1/private", "DescribeFunction", authorizer=True),
    route("GET /api/v1/raises", "RaiseFunction"),
    route("GET /api/v1/malformed", "MalformedFunction"),
    route("GET /api/v1/slow", "HangFunction", timeout_seconds=0.2),
    route("GET /api/v1/public/openapi.json", "DescribeFunction"),
)


class FixedSchedules:
    def upcoming(self) -> dict[str, str]:
        return {"sweep": "2026-01-01T00:00:00Z"}

    async def fire(self, name: str) -> Invocation:
        if name != "sweep":
            raise UnknownSchedule(name)
        return Invocation("r-1", b'{"swept": 3}')


@pytest.fixture
async def url(function: MakeFunction, make_stack: MakeStack, start_host: StartHost) -> AsyncIterator[str]:
    functions = (
        function("sample/run.sh", name="WebFunction"),
        function("sample.http.describe"),
        function("sample.http.authorize", name="AuthorizerFunction"),
        function("sample.http.fail", name="RaiseFunction"),
        function("sample.http.malformed"),
        function("sample.http.hang", timeout=1),
    )
    host = await start_host(*functions)
    stack = replace(
        make_stack(functions),
        routes=ROUTES,
        authorizer=AuthorizerSpec("AuthorizerFunction", 60),
        cors=CorsSpec("https://app.example", "GET,POST", "Authorization", 600),
    )
    pages = LocalPages(stack, schedules=FixedSchedules(), readiness={"functions": host.health})
    door = FrontDoor(stack, host, pages=pages)
    await door.start()
    yield door.url
    await door.stop()


@pytest.fixture
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=url, auto_decompress=False) as session:
        yield session


async def problem(response: aiohttp.ClientResponse) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = orjson.loads(await response.read())
    assert body["status"] == response.status
    return body


async def test_a_function_gets_the_request_and_the_client_its_answer(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/public/things?a=1&a=2", data=b'{"x": 1}', headers={"X-Custom": "yes"}) as response:
        seen = orjson.loads(await response.read())

    assert (response.status, response.headers["X-Answered-By"]) == (201, "describe")
    assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert (seen["path"], seen["httpMethod"], seen["resource"]) == (
        "/api/v1/public/things",
        "POST",
        "/api/v1/public/{proxy+}",
    )
    assert seen["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert seen["body"] == '{"x": 1}'
    assert seen["headers"]["X-Custom"] == "yes"
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert seen["headers"]["X-Amzn-Trace-Id"] == response.headers["X-Amzn-Trace-Id"]
    assert seen["requestContext"]["requestId"] == response.headers["x-amzn-RequestId"]
    assert seen["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


async def test_binary_bodies_travel_both_ways(http: aiohttp.ClientSession) -> None:
    sent = bytes(range(256))

    async with http.put("/api/v1/public/binary", data=sent) as response:
        assert await response.read() == sent[::-1]


async def test_only_an_authorized_caller_reaches_a_protected_route(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/private", headers={"Authorization": "Bearer good"}) as response:
        seen = orjson.loads(await response.read())
    assert seen["requestContext"]["authorizer"] == {"principalId": "key-1", "org_id": "o-1", "admin": "false"}

    for method, headers, status in (
        ("GET", {}, 401),
        ("GET", {"Authorization": "Bearer bad"}, 401),
        ("GET", {"Authorization": "Bearer broken"}, 500),
        ("DELETE", {"Authorization": "Bearer good"}, 403),
    ):
        async with http.request(method, "/api/v1/private", headers=headers) as response:
            assert response.status == status
            await problem(response)


async def test_a_server_behind_the_web_adapter_learns_who_calls_and_nobody_can_say_they_are_somebody_else(
    http: aiohttp.ClientSession,
) -> None:
    forged = {"X-Amzn-Request-Context": '{"authorizer": {"org_id": "o-2"}}', "Authorization": "Bearer good"}
    async with http.get("/v1/private", headers=forged) as response:
        seen = orjson.loads(await response.read())["headers"]
    context = orjson.loads(seen["x-amzn-request-context"])
    assert context["authorizer"] == {"principalId": "key-1", "org_id": "o-1", "admin": "false"}
    async with http.get("/v1/open", headers=forged) as response:
        seen = orjson.loads(await response.read())["headers"]
    assert "authorizer" not in orjson.loads(seen["x-amzn-request-context"])
    async with http.get("/v1/private", headers={**forged, "Authorization": "Bearer bad"}) as response:
        assert response.status == 401


async def test_a_path_that_is_not_there_is_a_404_that_helps(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v2/nothing") as response:
        body = await problem(response)
    assert response.status == 404
    assert response.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert "GET /api/v2/nothing" in body["hint"]

    async with http.put("/api/v1/private") as response:
        assert "has no PUT, only DELETE, GET" in (await problem(response))["hint"]


async def test_preflight_is_answered_without_any_function(http: aiohttp.ClientSession) -> None:
    async with http.options("/api/v1/private") as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert response.headers["Access-Control-Allow-Methods"] == "GET,POST"
        assert response.headers["Access-Control-Max-Age"] == "600"


@pytest.mark.parametrize(
    ("path", "status", "hint"),
    [
        ("/api/v1/raises", 502, "database is gone"),
        ("/api/v1/malformed", 502, "statusCode is missing"),
        ("/api/v1/slow", 504, "took more than 0.2 s"),
    ],
)
async def test_a_function_that_fails_is_named_with_its_reason(
    http: aiohttp.ClientSession, path: str, status: int, hint: str
) -> None:
    async with http.get(path) as response:
        body = await problem(response)

    assert response.status == status
    assert hint in body["hint"]
    assert ".log" in body["hint"]


@pytest.mark.parametrize("path", ["/api/v1/public/upload", "/v1/upload"])
async def test_a_body_over_ten_megabytes_is_refused(http: aiohttp.ClientSession, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * (1024 * 1024)

    async with http.post(path, data=endless()) as response:
        assert response.status == 413
        await problem(response)


async def test_a_streaming_route_passes_everything_on(http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Bearer k", "X-Request-Id": "mine", "Connection": "keep-alive", "TE": "trailers"}

    async with http.post("/v1/chat/a%2Fb%20c?x=%26", data=b'{"model": "m"}', headers=headers) as response:
        seen = orjson.loads(await response.read())

    assert response.headers["X-Served-By"] == "sample"
    assert "Keep-Alive" not in response.headers
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/v1/chat/a%2Fb%20c?x=%26", '{"model": "m"}')
    assert seen["headers"]["authorization"] == "Bearer k"
    assert seen["headers"]["x-request-id"] == "mine"
    assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert seen["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert "te" not in seen["headers"]


async def test_a_request_without_an_id_gets_one(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/echo") as response:
        seen = orjson.loads(await response.read())

    assert len(seen["headers"]["x-request-id"]) == 36


async def test_each_chunk_arrives_before_the_next_one_is_made(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/events") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        for number in range(3):
            assert await response.content.readuntil(b"\n\n") == f"data: {number}\n\n".encode()
            async with http.post("/v1/more"):
                pass


async def test_a_client_that_goes_away_ends_the_stream_in_the_function(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/events") as response:
        await response.content.readuntil(b"\n\n")
        response.close()

    async with asyncio.timeout(5), http.get("/v1/aborted") as ended:
        assert await ended.text() == "yes"


async def test_an_answer_that_breaks_off_does_not_look_complete(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/broken") as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_the_laptops_own_pages_are_served_beside_the_api(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/echo"), http.get("/_local/health") as response:
        assert orjson.loads(await response.read())["status"] == "ok"
    async with http.get("/") as response:
        index = await response.text()
    assert "/_local/docs/public" in index
    assert "/api/v1/private" in index
    async with http.get("/_local/docs/public") as response:
        page = await response.text()
    assert "/api/v1/public/openapi.json" in page
    assert "http://" not in page
    assert "https://" not in page


async def test_a_schedule_is_fired_by_hand(http: aiohttp.ClientSession) -> None:
    async with http.get("/_local/schedules") as response:
        assert orjson.loads(await response.read()) == {"sweep": "2026-01-01T00:00:00Z"}
    async with http.post("/_local/schedules/sweep/fire") as response:
        assert orjson.loads(await response.read())["result"] == {"swept": 3}
    async with http.post("/_local/schedules/nothing/fire") as response:
        assert response.status == 404
        await problem(response)


async def test_expect_continue_is_answered_so_that_clients_send_at_once(url: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()
