"""What only the laptop has: a start page, schedules fired by hand, functions invoked by name, queues to look into."""

import json

from tests.e2e.command_line import local_command
from tests.e2e.messages import DEAD, QUEUE, MixedBatch, dead_messages, dlq, until_dead
from tests.e2e.platform import Platform


async def test_the_start_page_leads_to_every_api_and_schedule(platform: Platform) -> None:
    page = await platform.call("GET", "/", api_key=None)
    assert page.status == 200
    text = page.body.decode()
    assert page.headers["content-type"].startswith("text/html")
    for wanted in ("/_local/docs/auth", "/_local/docs/analytics", "/v1/{proxy+}", "llmo-local-sweeper"):
        assert wanted in text


async def test_every_part_of_the_stack_says_that_it_is_ready(platform: Platform) -> None:
    health = await platform.call("GET", "/_local/health", api_key=None)
    assert health.json()["status"] == "ok", health


async def test_the_sweeper_can_be_fired_by_hand(platform: Platform) -> None:
    assert "llmo-local-sweeper" in (await platform.call("GET", "/_local/schedules")).json()
    fired = await platform.call("POST", "/_local/schedules/llmo-local-sweeper/fire")
    assert fired.status == 200, fired
    assert fired.json()["function_error"] is None
    assert fired.json()["result"].keys() >= {"holds_released", "events_published"}


async def test_the_price_refresh_can_be_fired_by_hand_and_fetches_nothing(platform: Platform) -> None:
    fired = await platform.call("POST", "/_local/schedules/llmo-local-price-refresh/fire")
    shown = (await platform.call("GET", "/api/v1/models/prices")).json()
    assert fired.json()["function_error"] is None, fired
    assert fired.json()["result"]["status"] == "off"
    assert (shown["origin"], shown["version"]) == ("packaged", fired.json()["result"]["version"])


async def test_an_unknown_schedule_is_a_404_problem(platform: Platform) -> None:
    fired = await platform.call("POST", "/_local/schedules/Nothing/fire")
    assert fired.status == 404
    fired.problem()


async def test_the_migration_is_complete_and_can_be_repeated(platform: Platform) -> None:
    assert (await platform.invoke("MigrateFunction", {}))["applied"] == []


async def test_the_upgrade_machine_runs_to_its_end_and_says_where_it_is(platform: Platform) -> None:
    output, progress = await local_command("execute", "UpgradeStateMachine", state=platform.stack.state)

    assert json.loads(output)["check"] == {"pending": []}
    assert progress.splitlines() == [
        "→ Plan",
        "→ Migrate",
        "→ Verify",
        "→ IsAnythingPending",
        "→ UpToDate",
    ]


async def test_a_malformed_message_ends_in_the_dead_letter_queue_and_the_others_of_its_batch_are_kept(
    platform: Platform, mixed_batch: MixedBatch
) -> None:
    await platform.usage_of(mixed_batch.key, 2)
    await until_dead(platform, mixed_batch.malformed)


async def test_a_dead_message_is_shown_and_redriven_by_the_command_line(
    platform: Platform, mixed_batch: MixedBatch
) -> None:
    await until_dead(platform, mixed_batch.malformed)
    assert f"{DEAD}  " in await dlq(platform, "list")
    (dead,) = [one for one in (await dead_messages(platform)).values() if one["body"] == mixed_batch.malformed]
    assert dead["type"] == "llmo.integration.usage.recorded"
    assert dead["error"].startswith("MALFORMED_MESSAGE: source: Field required")
    assert f" from {DEAD} to {QUEUE}." in await dlq(platform, "redrive", DEAD)
    assert dead["id"] not in await dead_messages(platform)
