"""The billing API over a real database, for every test of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from billing.api import app
from llmo_data.postgres import Database
from tests.integration.billing.calling import READER, Caller, Catalogue
from tests.integration.billing.subscribing import Subscribing
from tests.integration.billing.using import Using
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def billing_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the billing service's role sees it."""
    database = Database(postgres.conninfo("llmo_billing"), max_connections=6)
    yield database
    await database.close()


@pytest.fixture
def catalogue(billing_database: Database, org: Org, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """The catalogue of an operator of the test's own."""
    made = Catalogue(billing_database, org.org_id)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def subscribing(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Subscribing:
    """Subscriptions to that operator's plans."""
    made = Subscribing(catalogue)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def operator(catalogue: Catalogue, org: Org) -> Caller:
    """Somebody of the operator's who may write."""
    assert catalogue.operator_id == org.org_id
    return Caller(org)


@pytest_asyncio.fixture
async def customer(catalogue: Catalogue, make_org: MakeOrg) -> Caller:
    """Somebody of another organization who may write there."""
    other = await make_org()
    assert catalogue.operator_id != other.org_id
    return Caller(other)


@pytest.fixture
def reader(customer: Caller) -> Caller:
    """Somebody of that organization who may only read."""
    return Caller(customer.org, permissions=READER)


@pytest.fixture
def using(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Using:
    """What counts usage by the operator's meters."""
    made = Using(catalogue.database, catalogue.operator_id)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def reporter(customer: Caller) -> Caller:
    """Somebody of the other organization who may report usage, and nothing else."""
    return Caller(customer.org, permissions=frozenset({"billing:report"}))
