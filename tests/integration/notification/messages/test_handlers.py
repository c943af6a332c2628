"""The planner and the API through their Lambda handlers, with the sample events and everything as it is wired."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_data.postgres import Database, DatabaseUnavailable, every
from notification import api, key_reminders, planner
from notification import wiring as api_wiring
from notification.planning import wiring
from notification.reminders import wiring as reminder_wiring
from tests.integration.lambda_calls import EVENTS, call, environment, moto_client
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import PASSWORD, Postgres

PLANNER = EVENTS / "NotificationPlannerFunction"


class Context:
    """Lambda's context of an invocation that has just begun."""

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@pytest_asyncio.fixture(autouse=True)
async def dead_letters(
    postgres: Postgres, moto_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The functions' variables, of a stand-in for all of AWS; the URL of the dead-letter queue."""
    queue = moto_client("sqs", moto_url).create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"]
    secrets = {
        "DATABASE_PASSWORD_SECRET": PASSWORD,
        "API_KEY_PEPPER_SECRET": PEPPER,
        "REDIS_URL_SECRET": redis_url,
    }
    told = {
        **postgres.environment("llmo_notification"),
        **environment(moto_url, secrets),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "DEAD_LETTER_QUEUE_URL": queue,
        "PUBLIC_URL": "https://llmo.example",
        "OPERATOR_ORG_ID": "",
        "SMS_COUNTRIES": "US",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    yield queue
    for wired in (wiring, api_wiring, reminder_wiring):
        await asyncio.to_thread(lambda close: run(close()), wired.close)


async def planned(event: dict[str, Any]) -> dict[str, Any]:
    """What the planner answers; it has a loop of its own."""
    return await asyncio.to_thread(planner.handler, event, Context())


def sample(name: str, org: Org, **data: Any) -> dict[str, Any]:
    """A sample event, of an organization, as a new one, with other data."""
    event: dict[str, Any] = json.loads((PLANNER / f"{name}.json").read_text())
    [record] = event["Records"]
    body = json.loads(record["body"])
    body["detail"] |= {"id": str(new_id()), "orgid": str(org.org_id), "data": {**body["detail"]["data"], **data}}
    record["body"] = json.dumps(body)
    return event


async def of(database: Database, org: Org, table: str) -> list[dict[str, Any]]:
    """An organization's rows."""
    async with database.transaction(org.org_id) as connection:
        return await every(connection, f"SELECT * FROM notification.{table} ORDER BY id")  # noqa: S608 - ours


async def test_a_budget_reaches_inbox_and_queue_once(notification_database: Database, org: Org) -> None:
    event = sample("budget-threshold-reached", org)

    answers = [await planned(event) for _ in range(2)]

    assert answers == [{"batchItemFailures": []}] * 2
    messages = await of(notification_database, org, "messages")
    assert sorted((each["channel"], each["status"]) for each in messages) == [
        ("email", "queued"),
        ("in_app", "delivered"),
    ]


async def test_an_event_that_cannot_be_told_is_buried_with_the_reason(
    moto_url: str, dead_letters: str, notification_database: Database, org: Org
) -> None:
    event = sample("budget-threshold-reached", org)
    body = json.loads(event["Records"][0]["body"])
    del body["detail"]["data"]["percent"]
    event["Records"][0]["body"] = json.dumps(body)

    assert await planned(event) == {"batchItemFailures": []}

    sqs = moto_client("sqs", moto_url)
    [buried] = sqs.receive_message(QueueUrl=dead_letters, MessageAttributeNames=["All"])["Messages"]
    assert "percent" in json.dumps(buried["MessageAttributes"])
    assert await of(notification_database, org, "notifications") == []


async def test_an_event_that_cannot_be_kept_keeps_no_other_from_it(notification_database: Database, org: Org) -> None:
    event, bad = sample("budget-threshold-reached", org), sample("budget-threshold-reached", org, subject="a\x00b")
    bad["Records"][0]["messageId"] = "bad"
    event["Records"] += bad["Records"]

    assert await planned(event) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}

    [kept] = await of(notification_database, org, "notifications")
    assert kept["status"] == "planned"


async def test_without_the_database_the_event_stays_on_the_queue(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PORT", "1")
    answer = await planned(sample("budget-threshold-reached", org))
    assert len(answer["batchItemFailures"]) == 1


async def test_a_former_member_is_told_and_then_forgotten(
    notification_database: Database, org: Org, make_org: MakeOrg
) -> None:
    await make_org.owner_leaves(org)
    event = sample("budget-threshold-reached", org)
    record = event["Records"][0]
    body = json.loads(record["body"])
    body["detail-type"] = body["detail"]["type"] = "llmo.auth.member.removed"
    body["detail"]["data"] = {"user_id": str(org.user_id), "left": False}
    record["body"] = json.dumps(body)

    assert await planned(event) == {"batchItemFailures": []}

    [message] = await of(notification_database, org, "messages")
    assert (message["kind"], message["status"]) == ("member_removed", "queued")


async def test_what_is_asked_for_is_announced_and_planned_by_the_next_run(
    notification_database: Database, org: Org
) -> None:
    body = {"to": {"roles": ["owner"]}, "variables": {"title": "Hello", "text": "There."}}
    sample_call = "NotificationApiFunction/send-notification"
    arguments = (api.handler, sample_call, org, "POST", "/api/v1/notifications", body)
    status, taken = await asyncio.to_thread(call, *arguments, idempotency_key="once")
    assert (status, taken["status"]) == (202, "planning")
    assert await asyncio.to_thread(call, *arguments, idempotency_key="once") == (202, taken)
    tick = json.loads((PLANNER / "every-minute.json").read_text())

    assert (await planned(tick))["notifications"] >= 1

    [notification] = await of(notification_database, org, "notifications")
    assert (notification["status"], notification["recipients"]) == ("planned", 1)


class Run:
    """A planner that only notes in which order it does what.

    Attributes:
        waits: How long something is due; None while that cannot be asked.
    """

    def __init__(self, waits: timedelta | None) -> None:
        self.done: list[str] = []
        self._waits = waits

    async def plan_due(self, time_left: Callable[[], timedelta]) -> int:
        assert time_left() > timedelta()
        self.done.append("planned")
        return 1

    async def waits(self, *, now: datetime) -> timedelta:
        assert now.tzinfo is not None
        self.done.append("measured")
        if self._waits is None:
            raise DatabaseUnavailable
        return self._waits

    async def digest_due(self, time_left: Callable[[], timedelta]) -> int:
        assert time_left() > timedelta()
        self.done.append("digested")
        return 2


@pytest.mark.parametrize(("waits", "measured"), [(timedelta(seconds=7), [[7.0]]), (None, [])], ids=["known", "unknown"])
async def test_what_a_run_has_left_waiting_is_measured_and_nothing_waits_for_that(
    waits: timedelta | None,
    measured: list[list[float]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = Run(waits)
    for name in ("planning", "backlog", "digesting"):
        monkeypatch.setattr(wiring, name, lambda: made)

    answer = await planned(json.loads((PLANNER / "every-minute.json").read_text()))

    assert (answer, made.done) == ({"notifications": 1, "digests": 2}, ["planned", "measured", "digested"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "NotificationsPlanned" in line]
    assert [line["NotificationsWait"] for line in lines if "NotificationsWait" in line] == measured


async def test_reminders_run_by_themselves() -> None:
    tick = json.loads((EVENTS / "KeyRemindersFunction" / "every-hour.json").read_text())
    answer = await asyncio.to_thread(key_reminders.handler, tick, Context())
    assert answer["keys"] >= 0
