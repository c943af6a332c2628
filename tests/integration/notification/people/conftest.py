"""What people have of their own in notification, over a real database."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from llmo_data.postgres import Database
from tests.integration.notification.people.calling import Own, Somebody, app
from tests.integration.organizations import Org
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def notification_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the notification service's role sees it."""
    database = Database(postgres.conninfo("llmo_notification"), max_connections=6)
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def own(notification_database: Database, monkeypatch: pytest.MonkeyPatch) -> Own:
    """The use cases, in place of the wiring's."""
    made = Own(notification_database)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def ada(org: Org) -> Somebody:
    """The owner of an organization."""
    return Somebody(org)
