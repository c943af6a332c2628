"""The API of templates over a real database."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from llmo_data.postgres import Database
from tests.integration.notification.templates.calling import READER, Caller, Templating, app
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def templates_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the notification service's role sees it."""
    database = Database(postgres.conninfo("llmo_notification"), max_connections=6)
    yield database
    await database.close()


@pytest.fixture
def templating(templates_database: Database, monkeypatch: pytest.MonkeyPatch) -> Templating:
    """The use cases of templates."""
    made = Templating(templates_database)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def writer(templating: Templating, org: Org) -> Caller:
    """A key of an organization that may write."""
    assert templating.sends.sent == []
    return Caller(org)


@pytest.fixture
def reader(writer: Caller) -> Caller:
    """A key of that organization that may only read."""
    return Caller(writer.org, permissions=READER)


@pytest_asyncio.fixture
async def stranger(templating: Templating, make_org: MakeOrg) -> Caller:
    """A key of another organization that may write there."""
    assert templating.sends.sent == []
    return Caller(await make_org())
