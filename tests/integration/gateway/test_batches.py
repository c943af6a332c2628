"""Batches, with OpenAI's own client: their calls are made and metered as those that somebody waits for."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import openai
import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb
from redis.asyncio import Redis

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.deferring import Deferring, jsonl, line, upload
from tests.integration.gateway.metered import held, spent
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import MakeOrg, Org

type MakeSingle = Callable[..., Awaitable[Org]]

pytestmark = pytest.mark.usefixtures("files_bucket")


@pytest_asyncio.fixture
async def make_single(make_org: MakeOrg, redis_client: Redis, provider: tuple[str, Any]) -> MakeSingle:
    """Makes organizations with a model `single` of a provider that takes no batches: its calls are made one by one."""

    async def make(**limits: Any) -> Org:
        org = await make_org(**limits)
        set_up = SetUp(make_org.connection, redis_client, org)
        await set_up.provider("own", provider[0], headers=Jsonb({"authorization": "Bearer own"}))
        await set_up.model("single", "own")
        return org

    return make


@pytest_asyncio.fixture
async def org(make_single: MakeSingle) -> Org:
    return await make_single()


def asking(custom_id: str, text: str, **body: Any) -> dict[str, Any]:
    return line(custom_id, messages=[{"role": "user", "content": text}], **body)


async def test_a_batch_is_taken_worked_through_and_announced(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    client = platform.client(org)
    file = await upload(client, jsonl(asking("a", "first"), asking("b", "second")))

    made = await client.batches.create(
        input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h", metadata={"job": "nightly"}
    )
    await deferring.advance(org, made.id)
    ended = await client.batches.retrieve(made.id)

    assert (made.status, made.object, made.metadata, made.input_file_id) == (
        "validating",
        "batch",
        {"job": "nightly"},
        file,
    )
    assert made.expires_at == made.created_at + 24 * 3600
    assert ended.status == "completed"
    assert ended.request_counts is not None
    assert ended.request_counts.to_dict() == {"total": 2, "completed": 2, "failed": 0}
    assert ended.error_file_id is None
    assert None not in (ended.in_progress_at, ended.finalizing_at, ended.completed_at)
    lines = await deferring.lines(org, ended.output_file_id)
    assert list(lines) == ["a", "b"]
    assert lines["a"]["response"]["status_code"] == 200
    assert lines["a"]["response"]["body"]["object"] == "chat.completion"
    assert lines["a"]["error"] is None
    usage = platform.usage(org)
    assert {event["data"]["batch"] for event in usage} == {made.id}
    assert {event["data"]["request_id"] for event in usage} == {
        each["response"]["request_id"] for each in lines.values()
    }
    kinds = [event["type"] for event in platform.bus.events_of(org.org_id)]
    assert kinds.count("llmo.integration.batch.created") == 1
    (completed,) = [
        event["data"]
        for event in platform.bus.events_of(org.org_id)
        if event["type"] == "llmo.integration.batch.completed"
    ]
    assert (completed["batch"], completed["completed"], completed["output_file"]) == (made.id, 2, ended.output_file_id)
    assert Decimal(completed["cost_usd"]) == sum(Decimal(event["data"]["cost_usd"]) for event in usage) > 0


async def test_calls_of_a_batch_cost_and_count_what_live_ones_do(
    platform: Platform, make_single: MakeSingle, deferring: Deferring
) -> None:
    org = await make_single(key_budget_usd=Decimal(1))

    await deferring.ended(org, jsonl(asking("a", "what does it cost?")))

    (event,) = platform.usage(org)
    data = event["data"]
    assert (data["status"], data["provider"], data["endpoint"]) == ("ok", "openai_compatible", "chat.completions")
    cost = Decimal(data["input_tokens"] + 2 * data["output_tokens"]).scaleb(-6)
    assert Decimal(data["cost_usd"]) == cost == await spent(platform, org)
    assert await held(platform, org) == 0


async def test_a_cached_answer_costs_nothing(platform: Platform, org: Org, deferring: Deferring) -> None:
    await platform.client(org).chat.completions.create(model="single", messages=HELLO)

    ended = await deferring.ended(org, jsonl(line("a")))

    assert list(await deferring.lines(org, ended.output_file_id)) == ["a"]
    live, deferred = platform.usage(org)
    assert (deferred["data"]["cache"], deferred["data"]["cost_usd"]) == ("hit", "0")
    assert deferred["data"]["saved_usd"] == live["data"]["cost_usd"]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hello"}),
        ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}),
        ("/v1/responses", {"model": "gpt-4o-mini", "input": "hello"}),
    ],
)
async def test_other_endpoints_are_deferred_too(
    org: Org, deferring: Deferring, endpoint: str, body: dict[str, Any]
) -> None:
    content = jsonl({"custom_id": "a", "method": "POST", "url": endpoint, "body": body})

    ended = await deferring.ended(org, content, endpoint=endpoint)

    lines = await deferring.lines(org, ended.output_file_id)
    assert lines["a"]["response"]["status_code"] == 200


async def test_what_is_wrong_with_a_call_is_its_own_error(org: Org, deferring: Deferring) -> None:
    content = jsonl(
        line("unknown", model="no-such-model"),
        line("streamed", stream=True),
        line("without messages", messages=None),
        asking("refused", "[[status=400]]"),
        line("good"),
    )

    ended = await deferring.ended(org, content)

    assert ended.status == "completed"
    assert ended.request_counts is not None
    assert ended.request_counts.to_dict() == {"total": 5, "completed": 1, "failed": 4}
    assert list(await deferring.lines(org, ended.output_file_id)) == ["good"]
    errors = await deferring.lines(org, ended.error_file_id)
    statuses = {name: each["response"]["status_code"] for name, each in errors.items()}
    assert statuses == {"unknown": 404, "streamed": 400, "without messages": 400, "refused": 400}
    assert errors["unknown"]["response"]["body"]["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("content", "code", "position"),
    [
        (b"\n \n", "empty_file", None),
        (b"no json\n", "invalid_json_line", 1),
        (b"[]\n", "invalid_json_line", 1),
        (b"\xff\xfe\n", "invalid_json_line", 1),
        (b"[" * 900 + b"]" * 900, "invalid_json_line", 1),
        (jsonl({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}), "missing_required_parameter", 1),
        (jsonl(line("a")).replace(b'"a"', b"7"), "missing_required_parameter", 1),
        (jsonl(line("")), "missing_required_parameter", 1),
        (jsonl(line("a\x00")), "missing_required_parameter", 1),
        (jsonl(line("a"), line("a")), "duplicate_custom_id", 2),
        (jsonl(line("a", method="GET")), "invalid_method", 1),
        (jsonl(line("a", url="/v1/embeddings")), "invalid_url", 1),
        (jsonl(line("a", user="x" * 1_000_000)), "line_too_long", 1),
        (b"{}\n" * 3, "missing_required_parameter", 1),
    ],
)
async def test_a_file_that_makes_no_sense_fails_its_batch(
    platform: Platform, org: Org, deferring: Deferring, content: bytes, code: str, position: int | None
) -> None:
    ended = await deferring.ended(org, content)

    assert ended.status == "failed"
    assert ended.failed_at is not None
    assert ended.errors is not None
    assert ended.errors.data
    assert (ended.errors.data[0].code, ended.errors.data[0].line) == (code, position)
    assert platform.usage(org) == []
    completed = [event["data"] for event in platform.bus.events_of(org.org_id) if "completed" in event["type"]]
    assert [event["status"] for event in completed] == ["failed"]


async def test_a_file_of_too_many_lines_fails_its_batch(org: Org, deferring: Deferring) -> None:
    call = {"method": "POST", "url": "/v1/chat/completions", "body": {}}
    content = jsonl(*({"custom_id": f"{number}", **call} for number in range(50_001)))

    ended = await deferring.ended(org, content)

    assert ended.errors is not None
    assert ended.errors.data
    assert ended.errors.data[0].code == "too_many_tasks"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"endpoint": "/v1/moderations"}, "endpoint"),
        ({"endpoint": None}, "endpoint"),
        ({"completion_window": "7d"}, "completion_window"),
        ({"metadata": {"a": "x" * 513}}, "metadata"),
        ({"metadata": {f"{number}": "" for number in range(17)}}, "metadata"),
        ({"extra_body": {"metadata": "x"}}, "metadata"),
        ({"extra_body": {"output_expires_after": {}}}, "output_expires_after"),
        ({"extra_headers": {"x-llmo-tags": "nonsense"}}, "x-llmo-tags"),
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused(
    platform: Platform, org: Org, changes: dict[str, Any], param: str
) -> None:
    client = platform.client(org)
    file = await upload(client, jsonl(line("a")))
    usual: dict[str, Any] = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}

    with pytest.raises(openai.BadRequestError) as refused:
        await client.batches.create(input_file_id=file, **{**usual, **changes})

    assert refused.value.param == param


async def test_a_batch_needs_a_file_of_its_project_that_is_there(
    platform: Platform, org: Org, make_org: MakeOrg
) -> None:
    client = platform.client(org)
    theirs = await upload(platform.client(await make_org()), jsonl(line("a")))
    gone = await upload(client, jsonl(line("a")))
    await client.files.delete(gone)

    for file in (theirs, gone, "file-x"):
        with pytest.raises(openai.NotFoundError):
            await client.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h")


async def test_a_batch_whose_file_goes_before_it_begins_fails(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    client = platform.client(org)
    name = await deferring.batch(org, jsonl(line("a")))
    await client.files.delete((await client.batches.retrieve(name)).input_file_id)

    await deferring.advance(org, name)

    ended = await client.batches.retrieve(name)
    assert (ended.status, ended.errors and ended.errors.data and ended.errors.data[0].code) == (
        "failed",
        "input_file_not_found",
    )


async def test_batches_are_listed_in_pages_for_their_own_project(
    platform: Platform, org: Org, make_org: MakeOrg, deferring: Deferring
) -> None:
    made = [await deferring.batch(org, jsonl(line("a"))) for _ in range(3)]
    client = platform.client(org)
    stranger = platform.client(await make_org())

    first = await client.batches.list(limit=2)
    everything = [batch.id async for batch in client.batches.list(limit=1)]

    assert ([batch.id for batch in first.data], first.has_more) == ([made[2], made[1]], True)
    assert everything == made[::-1]
    assert (await stranger.batches.list()).data == []
    for ask in (stranger.batches.retrieve, stranger.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            await ask(made[0])


async def test_a_cancelled_batch_makes_no_more_calls(platform: Platform, org: Org, deferring: Deferring) -> None:
    client = platform.client(org)
    name = await deferring.batch(org, jsonl(line("a"), line("b")))

    cancelling = await client.batches.cancel(name)
    with pytest.raises(openai.ConflictError, match="cancelling"):
        await client.batches.cancel(name)
    await deferring.advance(org, name)
    ended = await client.batches.retrieve(name)

    assert cancelling.status == "cancelling"
    assert ended.status == "cancelled"
    assert platform.usage(org) == []
    with pytest.raises(openai.ConflictError, match="cancelled"):
        await client.batches.cancel(name)


async def test_the_calls_of_a_revoked_key_are_errors(platform: Platform, org: Org, deferring: Deferring) -> None:
    name = await deferring.batch(org, jsonl(line("a")))
    reading = (await platform.client(org).batches.retrieve(name)).id
    await platform.redis.set(f"{{{org.org_ref}}}:key:{org.key_hash}", "revoked")

    await deferring.advance(org, reading)

    await platform.redis.delete(f"{{{org.org_ref}}}:key:{org.key_hash}")
    ended = await platform.client(org).batches.retrieve(name)
    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["a"]["response"]["body"]["error"]["code"] == "invalid_api_key"
    assert platform.usage(org) == []


async def test_when_the_budget_runs_out_the_rest_are_budget_errors(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    await set_up.budget("0.0005")
    lines = [asking(f"{number}", f"call {number}", max_completion_tokens=20) for number in range(12)]

    name = await deferring.batch(org, jsonl(*lines))
    for _ in range(20):
        await deferring.advance(org, name)
        platform.clock.advance(60)
    ended = await platform.client(org).batches.retrieve(name)

    assert ended.status == "completed"
    assert ended.request_counts is not None
    assert ended.request_counts.completed >= 1
    errors = await deferring.lines(org, ended.error_file_id)
    assert {each["response"]["body"]["error"]["code"] for each in errors.values()} == {"insufficient_quota"}
    assert len(errors) + ended.request_counts.completed == 12
    assert await held(platform, org) == 0


async def test_a_rate_limit_lets_a_batch_wait_and_go_on(
    platform: Platform, make_single: MakeSingle, deferring: Deferring
) -> None:
    org = await make_single(requests_per_minute=2)
    name = await deferring.batch(org, jsonl(*(asking(f"{number}", f"call {number}") for number in range(4))))

    await deferring.advance(org, name)
    waiting = await platform.client(org).batches.retrieve(name)
    for _ in range(5):
        platform.clock.advance(60)
        await deferring.advance(org, name)
    ended = await platform.client(org).batches.retrieve(name)

    assert waiting.status == "in_progress"
    assert waiting.request_counts is not None
    assert waiting.request_counts.completed == 2
    assert ended.status == "completed"
    assert len(platform.usage(org)) == 4


async def test_what_is_not_done_when_the_window_ends_expires(
    platform: Platform, make_single: MakeSingle, deferring: Deferring
) -> None:
    org = await make_single(requests_per_minute=1)
    name = await deferring.batch(org, jsonl(asking("a", "one"), asking("b", "two")))
    await deferring.advance(org, name)

    platform.clock.advance(24 * 3600 + 1)
    await deferring.advance(org, name)

    ended = await platform.client(org).batches.retrieve(name)
    assert ended.status == "expired"
    assert ended.expired_at is not None
    errors = await deferring.lines(org, ended.error_file_id)
    assert [each["error"]["code"] for each in errors.values()] == ["batch_expired"]
    assert len(await deferring.lines(org, ended.output_file_id)) == 1


async def test_a_provider_that_fails_is_asked_again_and_then_given_up(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[status=503]]")))

    for _ in range(8):
        await deferring.advance(org, name)
        platform.clock.advance(120)

    ended = await platform.client(org).batches.retrieve(name)
    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["a"]["response"]["status_code"] == 503
    assert len(platform.usage(org)) == 5
    assert await held(platform, org) == 0


async def test_a_deferred_call_that_a_guardrail_blocks_is_not_taken(
    platform: Platform, org: Org, set_up: SetUp
) -> None:
    await set_up.guardrail("words", "deny", "block", words=["Blue Moon"])
    client = platform.client(org)

    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "What is blue moon?"}],
            extra_headers={"x-llmo-defer": "true"},
        )

    assert refused.value.code == "content_filter"
    assert (await client.batches.list()).data == []
    assert [event["data"]["status"] for event in platform.usage(org)] == ["blocked"]


async def test_a_model_that_was_just_set_up_can_be_deferred_to(platform: Platform, org: Org, set_up: SetUp) -> None:
    client = platform.client(org)
    await client.models.list()  # the gateway knows the setup as it was
    await set_up.provider("new", "http://127.0.0.1:9/v1")
    await set_up.model("new", "new")

    await client.chat.completions.with_raw_response.create(
        model="new", messages=HELLO, extra_headers={"x-llmo-defer": "true"}
    )

    assert len((await client.batches.list()).data) == 1
