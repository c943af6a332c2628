"""The worker is killed, doubled and cut off from what it needs: each call is still made and charged once."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openai
import pytest
import pytest_asyncio

from integration.gateway.deferral.models import batch_id_of
from integration.gateway.deferral.objects import S3Contents
from integration.gateway.deferral.wiring import WorkerWired
from integration.gateway.deferral_errors import FilesUnavailable
from integration.gateway.wiring import Wired
from llmo_data.postgres import DatabaseUnavailable
from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.deferring import Deferring, failing_once, jsonl, line, upload
from tests.integration.gateway.metered import held, spent
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted
from tests.integration.messaging.backbones import aws_client
from tests.integration.organizations import MakeOrg, Org

NO_CACHE = {"x-llmo-cache": "no-store"}

pytestmark = pytest.mark.usefixtures("files_bucket")


@pytest_asyncio.fixture
async def org(make_org: MakeOrg) -> Org:
    return await make_org(key_budget_usd=Decimal(100))


async def test_a_call_whose_outcome_was_lost_is_not_made_again(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="fast", temperature=1)), extra_headers=NO_CACHE)
    lines = deferring.worker._lines
    monkeypatch.setattr(lines, "decide", failing_once(lines.decide, DatabaseUnavailable()))

    with pytest.raises(DatabaseUnavailable):
        await deferring.advance(org, name)
    platform.clock.advance(60)
    await deferring.advance(org, name)

    ended = await platform.client(org).batches.retrieve(name)
    assert ended.status == "completed"
    assert len(own_provider.calls) == 1
    assert len(platform.usage(org)) == 1
    assert await spent(platform, org) == 1
    assert await held(platform, org) == 0


async def test_a_killed_worker_leaves_the_batch_to_the_next_one(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    name = await deferring.batch(
        org, jsonl(*(line(f"{number}", model="fast", user=f"{number}") for number in range(20))), extra_headers=NO_CACHE
    )
    own_provider.hold()
    working = asyncio.create_task(deferring.advance(org, name))
    await own_provider.until_called(8)
    working.cancel()
    await asyncio.wait([working])
    own_provider.let_go()

    platform.clock.advance(3600)
    await deferring.advance(org, name)

    ended = await platform.client(org).batches.retrieve(name)
    assert ended.status == "completed"
    assert ended.request_counts is not None
    assert ended.request_counts.completed == 20
    assert await held(platform, org) == 0


async def test_a_batch_that_a_worker_has_is_left_alone_by_others(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="fast")))
    own_provider.hold()
    working = asyncio.create_task(deferring.advance(org, name))
    await own_provider.until_called(1)

    await deferring.advance(org, name)
    await deferring.worker.tick()
    own_provider.let_go()
    await working
    await deferring.advance(org, name)

    assert len(own_provider.calls) == 1
    assert len(platform.usage(org)) == 1
    completed = [event for event in platform.bus.events_of(org.org_id) if event["type"].endswith("batch.completed")]
    assert len(completed) == 1


async def test_what_waits_is_moved_on_by_the_schedule(platform: Platform, org: Org, deferring: Deferring) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="gpt-4o-mini")))

    while (await platform.client(org).batches.retrieve(name)).status != "completed":
        assert await deferring.worker.tick() > 0


async def test_cancelling_stops_what_has_not_begun(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    name = await deferring.batch(
        org, jsonl(*(line(f"{number}", model="fast", user=f"{number}") for number in range(30))), extra_headers=NO_CACHE
    )
    own_provider.hold()
    working = asyncio.create_task(deferring.advance(org, name))
    await own_provider.until_called(8)

    await platform.client(org).batches.cancel(name)
    own_provider.let_go()
    await working

    ended = await platform.client(org).batches.retrieve(name)
    assert ended.status == "cancelled"
    assert ended.request_counts is not None
    assert ended.request_counts.to_dict() == {"total": 30, "completed": 8, "failed": 22}
    assert len(own_provider.calls) == 8
    errors = await deferring.lines(org, ended.error_file_id)
    assert {each["error"]["code"] for each in errors.values()} == {"batch_cancelled"}
    assert await held(platform, org) == 0


async def test_without_the_store_of_files_a_batch_waits(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="gpt-4o-mini")))
    down = S3Contents("nowhere", client=lambda: aws_client("s3", "http://127.0.0.1:1"))
    with monkeypatch.context() as without:
        without.setattr(deferring.worker, "_contents", down)
        with pytest.raises(FilesUnavailable):
            await deferring.advance(org, name)

    await deferring.advance(org, name)

    assert (await platform.client(org).batches.retrieve(name)).status == "completed"


async def test_a_batch_whose_file_cannot_be_read_for_a_day_has_failed(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="gpt-4o-mini")))
    down = S3Contents("nowhere", client=lambda: aws_client("s3", "http://127.0.0.1:1"))
    monkeypatch.setattr(deferring.worker, "_contents", down)

    platform.clock.advance(24 * 3_600)
    await deferring.advance(org, name)

    failed = await platform.client(org).batches.retrieve(name)
    assert failed.errors is not None
    assert failed.errors.data is not None
    assert (failed.status, failed.errors.data[0].code) == ("failed", "batch_expired")


async def test_without_redis_the_calls_of_a_batch_wait(platform: Platform, org: Org, deferring: Deferring) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="gpt-4o-mini")))
    secrets = {**platform.secrets, "redis": "redis://127.0.0.1:1"}
    wired = Wired(replace(platform.settings), secret=secrets.__getitem__, clock=platform.clock)
    await WorkerWired(wired).worker.advance(org.org_id, batch_id_of(name))
    await wired.close()
    waiting = await platform.client(org).batches.retrieve(name)

    platform.clock.advance(60)
    await deferring.advance(org, name)

    assert waiting.status == "in_progress"
    assert (await platform.client(org).batches.retrieve(name)).status == "completed"


async def test_a_deferred_call_is_taken_and_answered_later(platform: Platform, org: Org, deferring: Deferring) -> None:
    client = platform.client(org)
    messages: Any = [{"role": "user", "content": "later"}]

    taken = await client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=messages, extra_headers={"x-llmo-defer": "true"}
    )
    name = taken.http_response.json()["id"]
    early = await client.get(f"/deferred/{name}", cast_to=object)
    await deferring.advance(org, name)
    late: Any = await client.get(f"/deferred/{name}", cast_to=object)

    assert taken.http_response.status_code == 202
    assert isinstance(early, dict)
    assert (early["object"], early["status"]) == ("batch", "validating")
    assert (late["object"], late["choices"][0]["message"]["role"]) == ("chat.completion", "assistant")
    assert (await client.batches.retrieve(name)).status == "completed"
    (event,) = platform.usage(org)
    assert event["data"]["batch"] == name


async def test_a_deferred_call_that_is_repeated_under_its_key_is_taken_once(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    client = platform.client(org)
    messages: Any = [{"role": "user", "content": "once, later"}]
    headers = {"x-llmo-defer": "true", "idempotency-key": "k1"}

    taken = [
        await client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=messages, extra_headers=headers
        )
        for _ in range(2)
    ]
    with pytest.raises(openai.UnprocessableEntityError):
        await client.chat.completions.create(model="gpt-4o", messages=messages, extra_headers=headers)

    (name,) = {answer.http_response.json()["id"] for answer in taken}
    assert [answer.http_response.status_code for answer in taken] == [202, 202]
    await deferring.advance(org, name)
    assert len((await client.batches.list()).data) == 1
    assert len(platform.usage(org)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "no-such-model"}, 404),
        ({"stream": True}, 400),
        ({"messages": []}, 400),
        ({"x-llmo-defer": "yes"}, 400),
    ],
)
async def test_a_deferred_call_that_makes_no_sense_is_refused_at_once(
    platform: Platform, org: Org, body: dict[str, Any], status: int
) -> None:
    call = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], **body}
    headers = {"x-llmo-defer": call.pop("x-llmo-defer", "true")}

    with pytest.raises(openai.APIStatusError) as refused:
        await platform.client(org).post("/chat/completions", body=call, cast_to=object, options={"headers": headers})

    assert refused.value.status_code == status
    assert (await platform.client(org).batches.list()).data == []


async def test_what_cannot_be_deferred_says_so(platform: Platform, org: Org) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot be deferred"):
        await platform.client(org).moderations.create(input="x", extra_headers={"x-llmo-defer": "true"})


async def test_without_the_database_files_and_batches_are_unavailable(run_gateway: RunGateway, org: Org) -> None:
    async with run_gateway() as platform:
        await platform.client(org).models.list()  # its key is known by now
    database = {**platform.settings.database, "port": 1}
    async with run_gateway(database=database) as cut_off:
        client = cut_off.client(org)
        for ask in (client.files.list, client.batches.list):
            with pytest.raises(openai.InternalServerError) as unavailable:
                await ask()
            assert unavailable.value.status_code == 503
        with pytest.raises(openai.InternalServerError):
            await upload(client, jsonl(line("a")))


async def test_without_the_store_of_contents_nothing_is_uploaded(
    platform: Platform, org: Org, run_gateway: RunGateway
) -> None:
    async with run_gateway(files_bucket="llmo-no-such-bucket") as cut_off:
        with pytest.raises(openai.InternalServerError) as unavailable:
            await upload(cut_off.client(org), jsonl(line("a")))

    assert unavailable.value.status_code == 503
    assert (await platform.client(org).files.list()).data == []
