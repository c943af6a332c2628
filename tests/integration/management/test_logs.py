"""Contents of calls: which projects want them kept, keeping them, and showing and erasing them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from integration.content_log.events import ContentRecorded
from integration.content_log.objects import Content, S3CallContents
from integration.content_log.repository import PostgresCallContents
from integration.content_log.service import ContentLog
from integration.gateway.configuration_rows import PostgresConfigurations
from integration.gateway.organization_record import parse
from llmo_core.ids import new_id
from llmo_data.objects import NoSuchObject, Objects, ObjectsUnavailable
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management
from tests.integration.management.clocks import At
from tests.integration.messaging.backbones import aws_client

NOW = datetime.fromisoformat("2026-11-27T12:00:00Z")
BUCKET = "llmo-test-contents"


@pytest.fixture
def contents(management: Management, moto_url: str) -> S3CallContents:
    """Where contents are, for the API too, at a fixed time."""
    client = aws_client("s3", moto_url)
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    management.contents = S3CallContents(Objects(BUCKET, "application/json", client=lambda: client))
    management.clock = At(NOW)
    return management.contents


@pytest.fixture
def log(contents: S3CallContents, management: Management, integration_database: Database) -> ContentLog:
    return ContentLog(noted=PostgresCallContents(integration_database), contents=contents, clock=management.clock)


def recorded(caller: Caller, **fields: Any) -> ContentRecorded:
    usual = {
        "call_id": new_id(),
        "org_id": caller.org.org_id,
        "project_id": caller.org.project_id,
        "key_id": caller.org.key_id,
        "request_id": "req_1",
        "endpoint": "chat.completions",
        "model": "gpt-4o-mini",
        "status": "ok",
        "http_status": 200,
        "end_user": None,
        "started_at": NOW,
        "retention_days": 7,
        "redacted": False,
        "request": '{"messages":[]}',
        "response": '{"choices":[]}',
        "cut": [],
    }
    return ContentRecorded.model_validate({**usual, **fields})


async def test_a_project_says_what_is_kept_and_the_gateway_knows(
    caller: Caller, management: Management, integration_database: Database
) -> None:
    project = caller.org.project_id
    before = await management.config_version(caller.org)
    path = f"logs/settings/{project}"
    assert (await caller("GET", path)).status_code == 404

    made = await caller("PUT", path, json={"retention_days": 7, "redact": ["email", "phone"]})
    again = await caller("PUT", path, json={"retention_days": 7, "redact": ["phone", "email"]})

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json() == (await caller("GET", path)).json()
    assert (await caller("GET", "logs/settings")).json()["data"] == [made.json()]
    assert made.json()["redact"] == ["email", "phone"]
    assert await management.config_version(caller.org) != before
    organization = parse("1", await PostgresConfigurations(integration_database).record(caller.org.org_ref))
    wanted = organization.content_logging[str(project)]
    assert (wanted.retention_days, wanted.redact) == (7, ("email", "phone"))

    assert (await caller("DELETE", path)).status_code == 204
    assert (await caller("DELETE", path)).status_code == 404
    organization = parse("1", await PostgresConfigurations(integration_database).record(caller.org.org_ref))
    assert organization.content_logging == {}
    put_back = await caller("PUT", path, json={})
    assert (put_back.json()["version"], put_back.json()["retention_days"]) == (2, 30)
    kinds = [each.type.rsplit(".", 2)[-2:] for each in await management.announced(caller.org.org_id)]
    assert kinds == [["content_logging", "changed"], ["content_logging", "removed"], ["content_logging", "changed"]]


@pytest.mark.parametrize(
    "body",
    [{"retention_days": 2}, {"retention_days": 0}, {"redact": ["shoe_size"]}, {"days": 1}, [], {"redact": "email"}],
)
async def test_wishes_that_make_no_sense_are_refused(caller: Caller, body: Any) -> None:
    assert (await caller("PUT", f"logs/settings/{caller.org.project_id}", json=body)).status_code == 422
    assert (await caller("GET", "logs/settings")).json()["data"] == []


async def test_a_change_of_an_old_version_is_refused(caller: Caller) -> None:
    path = f"logs/settings/{caller.org.project_id}"
    assert (await caller("PUT", path, json={}, headers={"if-match": '"1"'})).status_code == 412
    await caller("PUT", path, json={})
    assert (await caller("PUT", path, json={"retention_days": 1}, headers={"if-match": '"2"'})).status_code == 412
    assert (await caller("PUT", path, json={"retention_days": 1}, headers={"if-match": '"1"'})).status_code == 200


async def test_what_is_kept_is_shown_once_however_often_it_is_delivered(log: ContentLog, caller: Caller) -> None:
    event = recorded(caller, end_user="ada", cut=["response"])
    for _ in range(2):
        await log.keep(event)

    (listed,) = (await caller("GET", "logs")).json()["data"]
    shown = (await caller("GET", f"logs/{event.call_id}")).json()

    assert (listed["id"], listed["end_user"]) == (str(event.call_id), "ada")
    assert listed["expires_at"] == "2026-12-04T12:00:00Z"
    assert (shown["request"], shown["response"], shown["cut"]) == (event.request, event.response, ["response"])
    assert shown.items() >= listed.items()


async def test_logs_are_found_by_what_calls_were(log: ContentLog, caller: Caller) -> None:
    hour = timedelta(hours=1)
    first = recorded(caller, model="a", end_user="ada", started_at=NOW - 2 * hour)
    second = recorded(caller, model="b", status="error", request_id="req_2", started_at=NOW - hour)
    for event in (first, second):
        await log.keep(event)

    async def found(query: str) -> list[str]:
        answer = await caller("GET", f"logs?{query}")
        assert answer.status_code == 200, answer.text
        return [entry["id"] for entry in answer.json()["data"]]

    only_first, only_second = [str(first.call_id)], [str(second.call_id)]
    assert await found("") == [*only_second, *only_first]
    for query in ("model=a", "end_user=ada", "status=ok", "request_id=req_1", "until=2026-11-27T10:30:00Z"):
        assert await found(query) == only_first, query
    for query in ("model=b", "status=error", "since=2026-11-27T10:30:00Z"):
        assert await found(query) == only_second, query
    assert await found(f"key_id={caller.org.key_id}&project_id={caller.org.project_id}&model=c") == []
    page = (await caller("GET", "logs?limit=1")).json()
    rest = (await caller("GET", f"logs?limit=1&cursor={page['next_cursor']}")).json()
    assert [entry["id"] for entry in [*page["data"], *rest["data"]]] == [*only_second, *only_first]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=yesterday", 422),
        ("until=0.5", 422),
        ("since=2026-11-27T10:30:00", 422),
        ("project_id=x", 422),
        ("cursor=x", 400),
        ("z=1", 422),
    ],
)
async def test_questions_that_make_no_sense_are_refused(caller: Caller, query: str, status: int) -> None:
    assert (await caller("GET", f"logs?{query}")).status_code == status


async def test_nobody_else_sees_or_erases_contents(
    log: ContentLog, caller: Caller, stranger: Caller, contents: S3CallContents
) -> None:
    event = recorded(caller)
    await log.keep(event)

    assert (await stranger("GET", "logs")).json()["data"] == []
    assert (await stranger("GET", f"logs/{event.call_id}")).status_code == 404
    assert (await stranger("DELETE", f"logs/{event.call_id}")).status_code == 404
    erased = await stranger("DELETE", f"logs?project_id={caller.org.project_id}")
    assert erased.json() == {"erased": 0, "more": False}
    assert (await stranger.of_no_project()("DELETE", f"logs?key_id={caller.org.key_id}")).json()["erased"] == 0
    assert (await contents.get(event.org_id, event.call_id, 7)).request == event.request


async def test_a_key_sees_its_own_project_alone_and_a_person_all(log: ContentLog, caller: Caller) -> None:
    other = recorded(caller, project_id=new_id())
    await log.keep(other)

    assert (await caller("GET", "logs")).json()["data"] == []
    assert (await caller("GET", f"logs?project_id={other.project_id}")).json()["data"] == []
    assert (await caller("GET", f"logs/{other.call_id}")).status_code == 404
    assert (await caller("DELETE", f"logs/{other.call_id}")).status_code == 404
    person = caller.of_no_project()
    assert [entry["id"] for entry in (await person("GET", "logs")).json()["data"]] == [str(other.call_id)]
    assert (await person("GET", f"logs/{other.call_id}")).status_code == 200


async def test_permissions_are_needed(caller: Caller) -> None:
    reader = Caller(caller.org, permissions=frozenset({"logs:read"}))
    nobody = Caller(caller.org, permissions=frozenset({"models:read", "usage:read"}))
    settings = f"logs/settings/{caller.org.project_id}"
    for method, path in (
        ("PUT", settings),
        ("DELETE", settings),
        ("DELETE", f"logs/{new_id()}"),
        ("DELETE", "logs?model=x"),
    ):
        assert (await reader(method, path, **({"json": {}} if method == "PUT" else {}))).status_code == 403
    for path in ("logs", "logs/settings", settings, f"logs/{new_id()}"):
        assert (await nobody("GET", path)).status_code == 403


async def test_what_is_erased_stays_erased(
    log: ContentLog, caller: Caller, management: Management, contents: S3CallContents
) -> None:
    event = recorded(caller)
    await log.keep(event)

    assert (await caller("DELETE", f"logs/{event.call_id}")).status_code == 204
    await log.keep(event)

    assert (await caller("GET", f"logs/{event.call_id}")).status_code == 404
    assert (await caller("DELETE", f"logs/{event.call_id}")).status_code == 404
    assert (await caller("GET", "logs")).json()["data"] == []
    with pytest.raises(NoSuchObject):
        await contents.get(event.org_id, event.call_id, 7)
    (told,) = [each for each in await management.announced(caller.org.org_id) if each.type.endswith("contents.erased")]
    assert told.data == {"erased": 1, "erased_by": str(caller.org.key_id)}


async def test_an_end_users_contents_are_erased_together(log: ContentLog, caller: Caller) -> None:
    for user in ["ada"] * 101 + ["bob"]:
        await log.keep(recorded(caller, end_user=user))

    first = (await caller("DELETE", "logs?end_user=ada")).json()
    second = (await caller("DELETE", "logs?end_user=ada")).json()

    assert (first, second) == ({"erased": 100, "more": True}, {"erased": 1, "more": False})
    (left,) = (await caller("GET", "logs")).json()["data"]
    assert left["end_user"] == "bob"
    assert (await caller("DELETE", "logs")).status_code == 422


async def test_what_has_expired_is_neither_kept_nor_shown(
    log: ContentLog, caller: Caller, management: Management
) -> None:
    late, kept = recorded(caller, started_at=NOW - timedelta(days=7)), recorded(caller)
    for event in (late, kept):
        await log.keep(event)
    assert [entry["id"] for entry in (await caller("GET", "logs")).json()["data"]] == [str(kept.call_id)]

    management.clock = At(NOW + timedelta(days=7))

    assert (await caller("GET", "logs")).json()["data"] == []
    assert (await caller("GET", f"logs/{kept.call_id}")).status_code == 404


async def test_without_the_store_nothing_is_lost(
    log: ContentLog, caller: Caller, management: Management, integration_database: Database
) -> None:
    down = S3CallContents(Objects("x", "application/json", client=lambda: aws_client("s3", "http://127.0.0.1:1")))
    cut_off = ContentLog(noted=PostgresCallContents(integration_database), contents=down, clock=management.clock)
    event = recorded(caller)
    with pytest.raises(ObjectsUnavailable):
        await cut_off.keep(event)
    assert (await caller("GET", f"logs/{event.call_id}")).status_code == 404  # it is on its way

    await log.keep(event)
    working, management.contents = management.contents, down
    assert (await caller("GET", f"logs/{event.call_id}")).status_code == 503
    assert (await caller("DELETE", f"logs/{event.call_id}")).status_code == 503
    management.contents = working

    assert (await caller("GET", f"logs/{event.call_id}")).json()["request"] == event.request


async def test_a_text_that_the_database_cannot_hold_keeps_nobody_elses_contents_back(
    log: ContentLog, caller: Caller
) -> None:
    await log.keep(recorded(caller, end_user="a\x00b", model="m\x00"))

    (listed,) = (await caller("GET", "logs")).json()["data"]

    assert (listed["end_user"], listed["model"]) == ("a\ufffdb", "m\ufffd")


async def test_what_is_erased_while_it_is_kept_is_gone(
    caller: Caller, contents: S3CallContents, management: Management, integration_database: Database
) -> None:
    class Meanwhile(S3CallContents):
        """Somebody erases a content between its row and itself."""

        def __init__(self) -> None:
            """Over the same bucket."""

        async def put(self, org_id: UUID, call_id: UUID, retention_days: int, content: Content) -> None:
            assert (await caller("DELETE", f"logs/{call_id}")).status_code == 204
            await contents.put(org_id, call_id, retention_days, content)

        async def delete(self, org_id: UUID, call_id: UUID, retention_days: int) -> None:
            await contents.delete(org_id, call_id, retention_days)

    event = recorded(caller)
    noted = PostgresCallContents(integration_database)

    await ContentLog(noted=noted, contents=Meanwhile(), clock=management.clock).keep(event)

    with pytest.raises(NoSuchObject):
        await contents.get(event.org_id, event.call_id, 7)


async def test_a_key_speaks_for_its_own_project_alone(caller: Caller) -> None:
    person, other = caller.of_no_project(), new_id()
    own = caller.org.project_id
    await person("PUT", f"logs/settings/{other}", json={})
    await person("PUT", f"logs/settings/{own}", json={})

    assert (await caller("PUT", f"logs/settings/{other}", json={"retention_days": 365})).status_code == 404
    assert (await caller("DELETE", f"logs/settings/{other}")).status_code == 404
    assert (await caller("GET", f"logs/settings/{other}")).status_code == 404
    assert [each["project_id"] for each in (await caller("GET", "logs/settings")).json()["data"]] == [str(own)]
    everybodys = (await person("GET", "logs/settings")).json()["data"]
    assert {each["project_id"]: each["retention_days"] for each in everybodys} == {str(own): 30, str(other): 30}
