"""The notification service over a real database, for every test of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from llmo_data.postgres import Database
from notification.api import app
from tests.integration.notification.calling import Caller, Service
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def notification_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the notification service's role sees it."""
    database = Database(postgres.conninfo("llmo_notification"), max_connections=6)
    yield database
    await database.close()


@pytest.fixture
def service(notification_database: Database, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The use cases behind the API."""
    made = Service(notification_database)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def caller(service: Service, org: Org) -> Caller:
    """Somebody who may send notifications in an organization of their own."""
    assert service.operator_id is None
    return Caller(org)


@pytest_asyncio.fixture
async def stranger(service: Service, make_org: MakeOrg) -> Caller:
    """The same of another organization."""
    assert service.operator_id is None
    return Caller(await make_org())
