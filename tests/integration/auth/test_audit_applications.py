"""What the audit log says when an application acts for somebody."""

import csv
import io
from collections.abc import Iterator

import pytest

from auth.api import app
from auth.audit import wiring
from auth.audit.models import Acting
from auth.audit.recording import act
from auth.audit.repository import PostgresAuditLog
from auth.audit.service import AuditService
from auth.organizations import wiring as organizations
from auth.organizations.projects import ProjectService
from auth.organizations.repository import PostgresProjects
from llmo_auth.principal import Principal
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.auditing import audited
from tests.integration.auth.oauth_server import Json, Server, given

WRITES = "projects:write"


@pytest.fixture(autouse=True)
def recording(served: Server, auth_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything that the server does is recorded."""
    events = audited(auth_database, served.clock)
    projects = ProjectService(
        projects=PostgresProjects(auth_database),
        events=events,
        transaction=auth_database.transaction,
        new_id=new_id,
    )
    log = AuditService(PostgresAuditLog(auth_database))
    monkeypatch.setitem(app.dependency_overrides, organizations.project_service, given(projects))
    monkeypatch.setitem(app.dependency_overrides, wiring.audit_service, given(log))
    monkeypatch.setattr(served.house.service._starter, "_events", events)
    act(Acting())
    yield
    act(Acting())


async def entries(served: Server, action: str) -> list[Json]:
    answer = await served("GET", f"{served.org}/audit-log", caller=served.owner(), params={"action": action})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def found_project(served: Server, caller: Principal, name: str) -> None:
    made = await served("POST", f"{served.org}/projects", caller=caller, json={"name": name})
    assert made.status_code == 201, made.text


async def test_what_an_application_does_for_somebody_is_theirs_and_names_it(served: Server) -> None:
    client = await served.application(permissions=[WRITES])
    tokens = await served.tokens(client, scope=WRITES)

    await found_project(served, await served.principal(tokens["access_token"]), "Search")

    [entry] = await entries(served, "project")
    assert (entry["actor_type"], entry["actor_id"]) == ("user", str(served.house.user_id))
    assert entry["client_id"] == client["client_id"]


async def test_what_somebody_does_themselves_names_no_application_also_after_one_acted(served: Server) -> None:
    client = await served.application(permissions=[WRITES])
    tokens = await served.tokens(client, scope=WRITES)
    await found_project(served, await served.principal(tokens["access_token"]), "Search")

    await found_project(served, served.owner(), "Checkout")

    assert [entry["client_id"] for entry in await entries(served, "project")] == [None, client["client_id"]]


async def test_a_service_account_acts_for_nobody(served: Server) -> None:
    account = await served.account(WRITES)

    await found_project(served, await served.principal(await served.own_token(account)), "Search")

    [entry] = await entries(served, "project")
    assert (entry["actor_type"], entry["actor_id"], entry["client_id"]) == ("service_account", account["id"], None)


async def test_an_export_names_the_application_too(served: Server) -> None:
    client = await served.application(permissions=[WRITES])
    tokens = await served.tokens(client, scope=WRITES)
    await found_project(served, await served.principal(tokens["access_token"]), "Search")

    table = await served("GET", f"{served.org}/audit-log/export", caller=served.owner(), params={"action": "project"})

    [row] = csv.DictReader(io.StringIO(table.text))
    assert row["client_id"] == client["client_id"]


async def test_a_session_that_an_application_gets_is_not_taken_for_the_persons_own_doing(served: Server) -> None:
    client = await served.application()
    await served.tokens(client)
    await served.house.login()

    own, applications = await entries(served, "session.started")
    assert (own["actor_id"], own["details"]["client_id"]) == (str(served.house.user_id), None)
    assert (applications["actor_type"], applications["actor_id"]) == ("anonymous", None)
    assert applications["details"]["client_id"] == client["client_id"]
