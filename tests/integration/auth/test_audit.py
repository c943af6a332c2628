"""The audit log on the real database: complete, append-only, and visible to those whom it concerns."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from auth.api import app
from auth.audit import wiring
from auth.audit.models import Acting, AuditEntry, AuditFilter
from auth.audit.recording import AuditedEvents, act
from auth.audit.repository import PostgresAuditLog
from auth.audit.schemas import to_csv
from auth.audit.service import AuditService
from auth.models import Origin
from auth.organizations import wiring as organizations
from auth.organizations.models import ProjectCreated
from auth.organizations.projects import ProjectService
from auth.organizations.repository import PostgresProjects
from auth.registration.models import PasswordChanged, PasswordResetRequested
from llmo_auth.principal import ActorType, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database, insert
from tests.clocks import MovableClock
from tests.integration.auth.auditing import audited
from tests.integration.auth.colleagues import Colleague, colleague
from tests.integration.auth.house import NOW
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

CLOCK = MovableClock()


@pytest.fixture
def events(auth_database: Database) -> AuditedEvents:
    return audited(auth_database, CLOCK)


@pytest.fixture(autouse=True)
def real_stores(events: AuditedEvents, auth_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def audit_service() -> AuditService:
        return AuditService(PostgresAuditLog(auth_database))

    async def project_service() -> ProjectService:
        return ProjectService(
            projects=PostgresProjects(auth_database),
            events=events,
            transaction=auth_database.transaction,
            new_id=new_id,
        )

    monkeypatch.setitem(app.dependency_overrides, wiring.audit_service, audit_service)
    monkeypatch.setitem(app.dependency_overrides, organizations.project_service, project_service)


@pytest.fixture(autouse=True)
def nobody_acts() -> Iterator[None]:
    act(Acting())
    started = CLOCK.moment
    yield
    act(Acting())
    CLOCK.moment = started


@pytest.fixture
def owner(org: Org) -> Colleague:
    return Colleague(org.org_id, org.user_id)


async def entries(owner: Colleague, **query: Any) -> list[dict[str, Any]]:
    answer = await owner("GET", "audit-log", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def test_what_is_done_over_http_is_recorded_with_who_and_from_where(owner: Colleague) -> None:
    made = await owner("POST", "projects", json={"name": "Search"})

    [entry] = await entries(owner)
    assert (entry["actor_type"], entry["actor_id"]) == ("user", str(owner.user_id))
    assert (entry["action"], entry["target_id"]) == ("project.created", made.json()["id"])
    assert entry["details"] == {"project_id": made.json()["id"], "name": "Search"}
    assert (entry["ip"], entry["user_agent"]) == ("203.0.113.10", "a browser")


async def test_what_was_refused_is_not_recorded(owner: Colleague) -> None:
    await owner("POST", "projects", json={"name": "Search"})
    assert (await owner("POST", "projects", json={"name": "Search"})).status_code == 409
    assert len(await entries(owner)) == 1


async def test_a_person_sees_what_is_about_them_and_nobody_else_does(
    events: AuditedEvents, auth_database: Database, org: Org, make_org: MakeOrg
) -> None:
    act(Acting(origin=Origin(ip="203.0.113.77")))
    other = await make_org()
    changed = PasswordChanged(user_id=org.user_id, email="ada@example.com", by_reset=True)
    await events.announce(changed, org_id=None, aggregate_id=org.user_id)

    log = PostgresAuditLog(auth_database)
    [entry] = (await log.of_person(org.user_id, before=None, limit=10)).entries
    assert (entry.action, entry.actor_type, entry.actor_id) == ("password.changed", "user", org.user_id)
    assert entry.ip == "203.0.113.77"
    assert (await log.of_person(other.user_id, before=None, limit=10)).entries == []
    assert (await log.of_organization(org.org_id, AuditFilter(), before=None, limit=10)).entries == []


async def test_a_stranger_who_acts_on_somebody_is_not_taken_for_them(
    events: AuditedEvents, auth_database: Database, org: Org
) -> None:
    asked = PasswordResetRequested(user_id=org.user_id, email="ada@example.com", token="t", expires_at=NOW)
    await events.announce(asked, org_id=None, aggregate_id=org.user_id)
    [entry] = (await PostgresAuditLog(auth_database).of_person(org.user_id, before=None, limit=10)).entries
    assert (entry.actor_type, entry.actor_id) == ("anonymous", None)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE auth.audit_log SET action = 'nothing.happened'", "DELETE FROM auth.audit_log", "TRUNCATE auth.audit_log"],
)
async def test_nobody_changes_what_was_recorded_not_even_an_administrator(
    owner: Colleague, postgres: Postgres, statement: str
) -> None:
    await owner("POST", "projects", json={"name": "Search"})
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as administrator:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            await administrator.execute(statement.encode())
    assert len(await entries(owner)) == 1


async def test_another_organization_sees_and_records_nothing(
    owner: Colleague, make_org: MakeOrg, auth_database: Database
) -> None:
    other = await make_org()
    stranger = Colleague(other.org_id, other.user_id)
    await owner("POST", "projects", json={"name": "Search"})

    for path in ("audit-log", "audit-log/export"):
        assert (await stranger.at(owner.org_id, "GET", path)).status_code == 404
    assert await entries(stranger) == []
    entry = _entry(org_id=owner.org_id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await _add_within(auth_database, other.org_id, entry)


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.BILLING, Role.VIEWER])
async def test_reading_it_takes_a_permission(role: Role, owner: Colleague, auth_database: Database) -> None:
    member = await colleague(auth_database, owner.org_id, role)
    assert (await member("GET", "audit-log")).status_code == 403
    assert (await member("GET", "audit-log/export")).status_code == 403


async def test_filters_narrow_and_pages_follow_one_another(events: AuditedEvents, owner: Colleague) -> None:
    for number in range(5):
        CLOCK.moment = NOW + timedelta(hours=number)
        await owner("POST", "projects", json={"name": f"P{number}"})
    act(Acting())
    await events.announce(
        ProjectCreated(project_id=new_id(), name="by the platform"), org_id=owner.org_id, aggregate_id=owner.org_id
    )

    names = [entry["details"]["name"] for entry in await entries(owner, actor_id=str(owner.user_id))]
    assert names == ["P4", "P3", "P2", "P1", "P0"]
    window = {"since": (NOW + timedelta(hours=1)).isoformat(), "until": (NOW + timedelta(hours=3)).isoformat()}
    assert [entry["details"]["name"] for entry in await entries(owner, **window)] == ["P2", "P1"]
    assert len(await entries(owner, action="project")) == 6
    assert await entries(owner, action="proj") == []
    assert len(await entries(owner, target_id=str(owner.org_id))) == 1

    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await owner("GET", "audit-log", params=query)).json()
        seen += [entry["id"] for entry in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [entry["id"] for entry in await entries(owner)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"cursor": "!"}, 400),
        ({"action": "%"}, 422),
        ({"actor_id": "me"}, 422),
        ({"since": "yesterday"}, 422),
        ({"limit": "0"}, 422),
        ({"limit": "101"}, 422),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(owner: Colleague, query: dict[str, str], status: int) -> None:
    assert (await owner("GET", "audit-log", params=query)).status_code == status


async def test_an_export_holds_the_same_entries_in_both_formats(owner: Colleague) -> None:
    await owner("POST", "projects", json={"name": "=HYPERLINK(1)"})
    await owner("POST", "projects", json={"name": "Two\nlines"[:3]})
    shown = await entries(owner)

    table = await owner("GET", "audit-log/export")
    lines = await owner("GET", "audit-log/export", params={"format": "jsonl"})

    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["id"] for row in rows] == [entry["id"] for entry in shown]
    assert [json.loads(line) for line in lines.text.splitlines()] == shown
    assert "x-llmo-next-cursor" not in table.headers


@given(st.text())
def test_no_cell_of_an_export_is_a_formula(text: str) -> None:
    entry = _entry(org_id=new_id(), user_agent=text)
    [row] = csv.DictReader(io.StringIO(to_csv([entry])))
    assert not (row["user_agent"] or "").startswith(("=", "+", "-", "@", "\t", "\r"))


async def _add_within(database: Database, org_id: UUID, entry: AuditEntry) -> None:
    """As a defect would, in another organization's transaction."""
    async with database.transaction(org_id) as connection:
        row = entry.model_dump() | {"details": "{}"}
        await connection.execute(*insert("auth.audit_log", row))


def _entry(*, org_id: UUID, user_agent: str | None = None) -> AuditEntry:
    return AuditEntry(
        id=new_id(),
        org_id=org_id,
        subject_id=None,
        occurred_at=NOW,
        actor_type=ActorType.USER,
        actor_id=new_id(),
        client_id=None,
        action="project.created",
        target_id=new_id(),
        details={},
        ip=None,
        user_agent=user_agent,
    )
