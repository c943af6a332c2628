"""Testing a provider: one real call, and words that help with whatever comes of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from integration.management.providers.connection import LARGEST_ANSWER_BYTES, ModelLists
from integration.management.providers.models import ConnectionTest, Provider
from integration.provider_addresses import AddressPolicy
from integration.provider_kinds import KINDS, Kind
from llmo_core.addresses import Address
from llmo_core.ids import new_id
from tests.integration.certificates import certified
from tests.integration.management.calling import API_KEY, Caller

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

QUICK = aiohttp.ClientTimeout(total=0.3)


@asynccontextmanager
async def upstream(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A provider that answers every GET so; its port."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def provider(base_url: str, kind: Kind = Kind.OPENAI_COMPATIBLE, **fields: object) -> Provider:
    now = datetime.now(UTC)
    made = {
        "id": new_id(),
        "org_id": new_id(),
        "name": "tested",
        "kind": kind,
        "base_url": base_url,
        "api_version": None,
        "region": None,
        "headers": {},
        "created_by": new_id(),
        "created_at": now,
        "updated_at": now,
    }
    return Provider.model_validate({**made, **fields})


async def loopback(_: str, __: int) -> Sequence[Address]:
    return [ip_address("127.0.0.1")]


async def nowhere(host: str, _: int) -> Sequence[Address]:
    raise OSError(f"{host} is not known")


async def empty(_: str, __: int) -> Sequence[Address]:
    return []


async def ask(answer: Answer, kind: Kind = Kind.OPENAI_COMPATIBLE, **fields: object) -> ConnectionTest:
    lists = ModelLists(policy=AddressPolicy(private=True), timeout=QUICK)
    async with upstream(answer) as port:
        return await lists.test(provider(f"http://127.0.0.1:{port}/v1", kind, **fields), API_KEY)


@pytest.mark.parametrize("kind", Kind)
async def test_a_provider_is_asked_as_its_kind_wants_to_be(kind: Kind) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"object": "list", "data": [{"id": "a"}, {"id": "b"}]})

    tested = await ask(answer, kind, api_version="2024-10-21", headers={"x-team": "red"})

    assert (tested.ok, tested.status, tested.models_count, tested.problem) == (True, 200, 2, None)
    [request] = seen
    assert request.method == "GET"
    assert request.path_qs == ("/v1/models?api-version=2024-10-21" if kind is Kind.AZURE_OPENAI else "/v1/models")
    assert request.headers[KINDS[kind].header] == KINDS[kind].scheme + API_KEY
    assert (request.headers["x-team"], "cookie" in request.headers) == ("red", False)


async def test_a_provider_without_credentials_is_asked_without(caller: Caller) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([{"id": "llama"}], status=401 if "authorization" in request.headers else 200)

    async with upstream(answer) as port:
        made = await caller.provider(
            "vllm", kind="openai_compatible", base_url=f"http://127.0.0.1:{port}/v1", api_key=None
        )
        tested = await caller("POST", f"providers/{made['id']}/test")
    assert tested.status_code == 200
    assert tested.json() | {"latency_ms": 0} == {
        "ok": True,
        "status": 200,
        "latency_ms": 0,
        "models_count": 1,
        "problem": None,
    }


async def test_the_sealed_credentials_of_a_provider_are_what_it_is_shown(caller: Caller) -> None:
    async def answer(request: web.Request) -> web.Response:
        good = request.headers.get("authorization") == f"Bearer {API_KEY}"
        return web.json_response({"data": []}, status=200 if good else 401)

    async with upstream(answer) as port:
        made = await caller.provider(base_url=f"http://127.0.0.1:{port}/v1")
        path = f"providers/{made['id']}"
        assert (await caller("POST", f"{path}/test")).json()["ok"] is True
        await caller("PATCH", path, json={"api_key": "sk-wrong-0123456789"})
        refused = (await caller("POST", f"{path}/test")).json()
    assert (refused["ok"], refused["status"], "credentials" in refused["problem"]) == (False, 401, True)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "credentials"),
        (403, "credentials"),
        (404, "base URL"),
        (429, "limit"),
        (302, "redirect"),
        (400, "HTTP 400"),
        (500, "HTTP 500"),
        (204, "HTTP 204"),
    ],
)
async def test_a_status_is_told_in_words(status: int, word: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"location": "http://169.254.169.254/"} if status == 302 else {})

    tested = await ask(answer)
    assert (tested.ok, tested.status, tested.models_count) == (False, status, None)
    assert word in str(tested.problem)


async def test_where_no_models_are_listed_nobody_is_told_that_the_address_is_wrong() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=404)

    tested = await ask(answer, Kind.BEDROCK, region="eu-west-1")
    assert (tested.ok, "The provider answers" in str(tested.problem)) == (False, True)


@pytest.mark.parametrize("body", ["<html>", "{}", "1", '{"data": 1}', "[" * 100_000, ""])
async def test_what_is_no_list_of_models_is_not_taken_for_one(body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    tested = await ask(answer)
    assert (tested.ok, tested.status, "JSON" in str(tested.problem)) == (False, 200, True)


async def test_an_answer_is_of_one_megabyte_at_most() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b" " * (LARGEST_ANSWER_BYTES + 1))

    assert "megabyte" in str((await ask(answer)).problem)


async def test_a_provider_that_does_not_answer_in_time_is_left() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    tested = await ask(answer)
    assert (tested.ok, tested.status, "in time" in str(tested.problem)) == (False, None, True)


async def test_a_connection_that_breaks_off_is_told() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert "breaks off" in str((await ask(answer)).problem)


async def test_a_name_that_has_no_address_and_a_port_where_nobody_listens_are_told_apart() -> None:
    for resolve in (nowhere, empty):
        unknown = ModelLists(policy=AddressPolicy(private=True), resolve=resolve)
        assert "resolved" in str((await unknown.test(provider("https://nowhere.example/v1"), None)).problem)
    lists = ModelLists(policy=AddressPolicy(private=True))
    assert "Nobody answers" in str((await lists.test(provider("http://127.0.0.1:9/v1"), None)).problem)


@pytest.mark.parametrize(
    "base_url", ["https://inside.example/v1", "https://127.0.0.1/v1", "https://[::1]/v1", "http://inside.example/v1"]
)
async def test_an_address_inside_is_not_called_where_private_providers_are_not_allowed(base_url: str) -> None:
    lists = ModelLists(policy=AddressPolicy(private=False), resolve=loopback)
    tested = await lists.test(provider(base_url), API_KEY)
    assert (tested.ok, tested.status, "not called" in str(tested.problem)) == (False, None, True)


async def test_a_name_with_one_address_inside_is_not_called_at_the_others_either() -> None:
    async def mixed(_: str, __: int) -> Sequence[Address]:
        return [ip_address("8.8.8.8"), ip_address("169.254.169.254")]

    lists = ModelLists(policy=AddressPolicy(private=True), resolve=mixed)
    assert "not called" in str((await lists.test(provider("https://mixed.example/v1"), API_KEY)).problem)


async def test_a_certificate_must_be_the_hosts_and_trusted(tmp_path: Path) -> None:
    server, client = certified("provider.example", tmp_path)

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": []})

    async with upstream(answer, server) as port:

        async def ask_at(host: str, tls: ssl.SSLContext | None) -> ConnectionTest:
            lists = ModelLists(policy=AddressPolicy(private=True), resolve=loopback, tls=tls)
            return await lists.test(provider(f"https://{host}:{port}/v1"), API_KEY)

        assert (await ask_at("provider.example", client)).ok
        for tested in (await ask_at("other.example", client), await ask_at("provider.example", None)):
            assert (tested.ok, "TLS fails" in str(tested.problem)) == (False, True)

    async with upstream(answer) as port:
        assert "TLS fails" in str((await ask_at("provider.example", client)).problem)
