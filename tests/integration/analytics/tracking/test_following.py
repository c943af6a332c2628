"""Plans that change and organizations that are closed, through the consumer's Lambda handler."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient

from analytics import wiring
from analytics.consumer import handler
from llmo_core.ids import new_id
from llmo_core.loop import run

SAMPLE = Path(__file__).parents[4] / "events" / "AnalyticsConsumerFunction" / "plans-and-closings.json"
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch) -> Iterator[None]:
    lambda_environment.setenv("EVENT_RETENTION_DAYS", "90")
    yield
    run(wiring.close())


@pytest.fixture
def database(mongodb_uri: str, mongodb_database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongodb_uri, uuidRepresentation="standard", tz_aware=True) as client:
        yield client[mongodb_database]


def batch(org_id: UUID, *names: str, at: datetime | None = None) -> dict[str, Any]:
    """The sample's messages of these types, for an organization, in this order."""
    records = {}
    for record in json.loads(SAMPLE.read_text())["Records"]:
        body = json.loads(record["body"])
        body["detail"]["orgid"] = str(org_id)
        if at is not None:
            body["detail"]["time"] = at.isoformat()
        records[body["detail"]["type"].rpartition(".")[2]] = {**record, "body": json.dumps(body)}
    return {"Records": [records[name] for name in names]}


def kept_event(database: Any, org_id: UUID) -> datetime:
    """An event of today, kept as without a plan."""
    moment = TODAY + timedelta(hours=1)
    document = {"_id": new_id(), "org_id": org_id, "timestamp": moment, "day": TODAY, "expires_at": TODAY + 91 * DAY}
    database["tracked_events"].insert_one(document)
    return moment


def expiry(database: Any, org_id: UUID) -> timedelta:
    ends: datetime = database["tracked_events"].find_one({"org_id": org_id})["expires_at"]
    return ends - TODAY


def test_events_are_kept_as_the_plan_has_it(database: Any) -> None:
    org_id = new_id()
    kept_event(database, org_id)

    expiries = []
    for name in ("started", "changed", "ended"):
        assert handler(batch(org_id, name), None) == {"batchItemFailures": []}
        expiries.append(expiry(database, org_id))

    assert expiries == [366 * DAY, 181 * DAY, 91 * DAY]


@pytest.mark.parametrize("order", sorted(permutations(["started", "changed", "ended"])))
def test_the_newest_plan_holds_in_whatever_order_plans_are_told_of(database: Any, order: tuple[str, ...]) -> None:
    org_id = new_id()
    kept_event(database, org_id)

    for name in (*order, order[0]):
        assert handler(batch(org_id, name), None) == {"batchItemFailures": []}

    assert expiry(database, org_id) == 91 * DAY


def test_the_events_of_a_closed_organization_end_after_thirty_days_whatever_its_plan_does_then(database: Any) -> None:
    org_id = new_id()
    kept_event(database, org_id)

    handler(batch(org_id, "closed", at=TODAY), None)
    handler(batch(org_id, "ended", "started"), None)

    assert expiry(database, org_id) == 30 * DAY


def test_the_sample_is_handled_and_may_be_delivered_again() -> None:
    sample = json.loads(SAMPLE.read_text())

    assert handler(sample, None) == handler(sample, None) == {"batchItemFailures": []}


@pytest.mark.usefixtures("without_store")
def test_without_the_store_every_message_stays_on_the_queue() -> None:
    answer = handler(json.loads(SAMPLE.read_text()), None)

    assert len(answer["batchItemFailures"]) == 4
