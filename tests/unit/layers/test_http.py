import asyncio
import json
import logging
from typing import Annotated, Any, Literal, Self

import httpx2
import pytest
from fastapi import APIRouter, Depends, Query
from pydantic import Field, model_validator
from starlette.responses import StreamingResponse

from llmo_auth.guard import Allowed, authenticated
from llmo_auth.principal import MissingPermission, Permission, Principal
from llmo_core import errors
from llmo_core.http.app import create_app, lambda_handler
from llmo_core.model import Model
from llmo_core.observability import logger

router = APIRouter(prefix="/api/v1/things")
barrier = asyncio.Barrier(3)


class ThingBroken(errors.Conflict):
    """The thing is broken already."""


class ColourRequired(errors.Unauthenticated):
    """Say a colour first."""

    def __init__(self) -> None:
        super().__init__()
        self.extensions = {"colours": ["red", "blue"], "ticket": "secret"}


class Unplaced(errors.LlmoError):
    """A kind that the table does not know."""


REFUSALS = {
    "invalid": (errors.Invalid("No such colour."), 400),
    "unauthenticated": (errors.Unauthenticated(), 401),
    "forbidden": (MissingPermission("No."), 403),
    "not-found": (errors.NotFound(), 404),
    "conflict": (ThingBroken(), 409),
    "too-many": (errors.TooManyRequests(retry_after_seconds=2.1), 429),
    "unavailable": (errors.Unavailable(), 503),
    "unplaced": (Unplaced(), 500),
    "extended": (ColourRequired(), 401),
}


class Cat(Model):
    kind: Literal["cat"]
    lives: Annotated[int, Field(gt=0)]


class Dog(Model):
    kind: Literal["dog"]
    tricks: list[str]

    @model_validator(mode="after")
    def _is_kind(self) -> Self:
        if "bite" in self.tricks:
            raise ValueError("that is no trick")
        return self


class Zoo(Model):
    animals: list[Annotated[Cat | Dog, Field(discriminator="kind")]]


@router.post("/animals")
async def keep(body: Zoo) -> int:
    return len(body.animals)


@router.get("/refused/{kind}")
async def refused(kind: str) -> None:
    raise REFUSALS[kind][0]


@router.get("/defect")
async def defect() -> None:
    raise RuntimeError("the password is hunter2")


@router.get("/broken-stream")
async def broken_stream() -> StreamingResponse:
    async def body() -> Any:
        yield b"some"
        raise RuntimeError("cut off")

    return StreamingResponse(body())


@router.get("/shaped")
async def shaped(number: Annotated[int, Query(ge=1)]) -> int:
    return number


@router.get("/together")
async def together() -> None:
    await barrier.wait()
    logger().info("inside")


@router.get("/mine")
async def mine(principal: Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]) -> str:
    return str(principal.org_id)


@router.get("/anybody")
async def anybody(principal: Annotated[Principal, Depends(authenticated)]) -> str:
    return principal.actor_type


app = create_app(title="Things", prefix="/api/v1/things", routers=[router], description="For tests.")
handler = lambda_handler(app)


async def get(path: str, **options: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://llmo.example") as client:
        return await client.get(f"/api/v1/things{path}", **options)


async def post(path: str, **options: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://llmo.example") as client:
        return await client.post(f"/api/v1/things{path}", headers={"content-type": "application/json"}, **options)


def proxy_event(path: str, context: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": "llmo.example"},
        "multiValueHeaders": {"Host": ["llmo.example"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"authorizer": context, "identity": {"sourceIp": "203.0.113.1"}},
        "body": None,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("kind", REFUSALS)
async def test_an_expected_refusal_is_a_problem_with_a_stable_type(kind: str) -> None:
    error, status = REFUSALS[kind]

    answer = await get(f"/refused/{kind}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:llmo:problem:{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        **error.extensions,
    }


async def test_what_a_program_needs_to_go_on_is_in_the_problem_and_in_no_cache() -> None:
    answer = await get("/refused/extended")

    assert (answer.json()["colours"], answer.json()["ticket"]) == (["red", "blue"], "secret")
    assert answer.headers["cache-control"] == "no-store"
    assert "cache-control" not in (await get("/refused/unauthenticated")).headers


@pytest.mark.parametrize(("kind", "seconds"), [("too-many", "3"), ("unavailable", "1"), ("conflict", None)])
async def test_a_passing_refusal_says_when_to_try_again_in_whole_seconds(kind: str, seconds: str | None) -> None:
    assert (await get(f"/refused/{kind}")).headers.get("retry-after") == seconds


async def test_a_401_names_the_scheme() -> None:
    assert (await get("/refused/unauthenticated")).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/shaped?number=1", "/refused/forbidden", "/defect", "/nowhere"])
async def test_a_page_of_the_allowed_origin_can_read_every_answer(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGIN", "https://app.example")

    headers = (await get(path)).headers

    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["access-control-expose-headers"] == "*"


async def test_a_malformed_request_names_each_mistake() -> None:
    answer = await get("/shaped", params={"number": "0"})

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:llmo:problem:malformed_request"
    assert [mistake["pointer"] for mistake in answer.json()["errors"]] == ["/query/number"]


@pytest.mark.parametrize(
    ("animals", "pointers"),
    [
        ([{"kind": "cat", "lives": 0}], ["/body/animals/0/lives"]),
        ([{"kind": "dog"}, {"kind": "cat"}], ["/body/animals/0/tricks", "/body/animals/1/lives"]),
        ([{"kind": "dog", "tricks": ["sit", 7]}], ["/body/animals/0/tricks/1"]),
        ([{"kind": "cow"}], ["/body/animals/0"]),
        ([{"kind": "dog", "tricks": ["bite"]}], ["/body/animals/0"]),
        ([7], ["/body/animals/0"]),
        ({"kind": "cat"}, ["/body/animals"]),
    ],
)
async def test_a_pointer_names_what_stands_in_the_body_and_no_variant_of_a_union(
    animals: object, pointers: list[str]
) -> None:
    answer = await post("/animals", json={"animals": animals})

    assert answer.status_code == 422
    assert [mistake["pointer"] for mistake in answer.json()["errors"]] == pointers


async def test_of_very_many_mistakes_the_first_are_named() -> None:
    answer = await post("/animals", json={"animals": [{"kind": "cat", "lives": 0}] * 60})

    assert len(answer.json()["errors"]) == 50
    assert answer.json()["detail"].endswith("; and 10 more")


@pytest.mark.parametrize(("path", "method", "status"), [("/nowhere", "GET", 404), ("/defect", "DELETE", 405)])
async def test_routing_errors_are_problems_too(path: str, method: str, status: int) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://llmo.example") as client:
        answer = await client.request(method, f"/api/v1/things{path}")

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_defect_tells_clients_its_request_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    answer = await get("/defect", headers={"x-request-id": "req-7"})

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-request-id"] == "req-7"
    assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text


async def test_an_answer_that_breaks_off_is_not_made_to_look_complete() -> None:
    with pytest.raises(RuntimeError, match="cut off"):
        await get("/broken-stream")


@pytest.mark.parametrize("given", ["", "x" * 129, "tab\there", "näh"])
async def test_a_request_id_that_is_no_token_is_replaced(given: str) -> None:
    answer = await get("/refused/conflict", headers=[(b"x-request-id", given.encode("latin-1"))])

    assert len(answer.headers["x-request-id"]) == 36


async def test_concurrent_requests_never_mix_their_ids() -> None:
    lines: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(self.format(record)))

    keep = Keep()
    keep.setFormatter(logger().registered_formatter)
    logger()._logger.addHandler(keep)
    try:
        answers = await asyncio.gather(*(get("/together", headers={"x-request-id": f"req-{n}"}) for n in range(3)))
    finally:
        logger()._logger.removeHandler(keep)

    assert [answer.headers["x-request-id"] for answer in answers] == ["req-0", "req-1", "req-2"]
    for message in ("inside", "request"):
        assert sorted(line["request_id"] for line in lines if line["message"] == message) == ["req-0", "req-1", "req-2"]


def test_the_principal_is_the_one_that_the_authorizer_put_into_the_event() -> None:
    context = {
        "org_id": "01980a5e-7c00-7000-8000-000000000001",
        "project_id": "",
        "actor_type": "user",
        "actor_id": "01980a5e-7c00-7000-8000-000000000003",
        "permissions": "usage:read",
    }

    answer = handler(proxy_event("/api/v1/things/mine", context), None)

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, context["org_id"])


@pytest.mark.parametrize("context", [None, {}, {"principalId": "x"}])
def test_without_an_authorizers_context_nobody_is_authenticated(context: dict[str, Any] | None) -> None:
    answer = handler(proxy_event("/api/v1/things/anybody", context), None)

    assert answer["statusCode"] == 401
    assert answer["isBase64Encoded"] is False


async def test_the_openapi_document_is_public_and_of_version_3_1() -> None:
    document = (await get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert "/api/v1/things/mine" in document["paths"]
