"""Exports of events that an organization tracked itself."""

import json
from datetime import timedelta
from typing import Any

import pytest

from analytics.exports.models import Format, State, What
from analytics.tracking.models import Origin, Sender, TrackedEvent, key_of
from analytics.tracking.repository import MongoTrackedEvents
from tests.integration.analytics.calls import STARTED
from tests.integration.analytics.exports.exporting import Exporting


def tracked(exporting: Exporting, number: int, **replaced: Any) -> TrackedEvent:
    sender = Sender(org_id=exporting.org_id, project_id=None, actor_id=exporting.org_id, origin=Origin.SERVER)
    said: dict[str, Any] = {
        "id": key_of(sender, f"event-{number}"),
        "org_id": exporting.org_id,
        "project_id": None,
        "key_id": exporting.org_id,
        "origin": Origin.BROWSER,
        "event_id": f"event-{number}",
        "name": "signed_up",
        "user_id": "ada",
        "anonymous_id": None,
        "session_id": None,
        "actor": "ada",
        "timestamp": STARTED + timedelta(milliseconds=number // 3),
        "received_at": STARTED + timedelta(seconds=1),
        "skew_ms": -250,
        "properties": '{"plan":"=1+1"}',
        "pairs": ("plan=1",),
        "schema_version": 2,
        "expires_at": STARTED + timedelta(days=3650),
    }
    return TrackedEvent(**{**said, **replaced})


@pytest.mark.parametrize("kind", [Format.CSV, Format.PARQUET])
async def test_every_tracked_event_is_exported_once(exporting: Exporting, kind: Format) -> None:
    await MongoTrackedEvents(exporting.database).add([tracked(exporting, number) for number in range(10)])

    export = await exporting.finished(await exporting.request(what=What.EVENTS, format=kind))

    rows = exporting.rows(export)
    assert (export.state, export.progress.rows) == (State.DONE, 10)
    assert {row["id"] for row in rows} == {f"event-{number}" for number in range(10)}
    assert {(row["name"], row["user_id"], row["origin"], int(row["skew_ms"])) for row in rows} == {
        ("signed_up", "ada", "browser", -250)
    }
    assert json.loads(rows[0]["properties"]) == {"plan": "=1+1"}


async def test_only_events_of_the_name_and_the_user_are_exported(exporting: Exporting) -> None:
    events = [tracked(exporting, 1), tracked(exporting, 2, name="left"), tracked(exporting, 3, user_id="bob")]
    await MongoTrackedEvents(exporting.database).add(events)

    by_name = await exporting.finished(await exporting.request(what=What.EVENTS, name="left"))
    by_user = await exporting.finished(await exporting.request(what=What.EVENTS, end_user="bob"))

    assert [row["id"] for row in exporting.rows(by_name)] == ["event-2"]
    assert [row["id"] for row in exporting.rows(by_user)] == ["event-3"]
