"""Payments of organizations, with Stripe's stand-in, for every test of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from billing.api import app
from llmo_data.postgres import Database
from tests.fakes.stripe import FakeStripe, running_stripe
from tests.integration.billing.calling import READER, Caller
from tests.integration.billing.payments.paying import Paying
from tests.integration.organizations import MakeOrg, Org


@pytest_asyncio.fixture
async def stripe() -> AsyncIterator[FakeStripe]:
    """Stripe, which knows nobody yet."""
    async with running_stripe() as running:
        yield running


@pytest_asyncio.fixture
async def paying(
    billing_database: Database, stripe: FakeStripe, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Paying]:
    """The use cases, also behind the API, where an organization of the test's own operates."""
    made = Paying(billing_database, stripe, await make_org())
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    yield made
    await made.provider.close()


@pytest.fixture
def caller(paying: Paying, org: Org) -> Caller:
    """Somebody of a customer's who may write."""
    assert paying.operator != org
    return Caller(org)


@pytest.fixture
def reader(caller: Caller) -> Caller:
    """Somebody of that customer's who may only read."""
    return Caller(caller.org, permissions=READER)


@pytest_asyncio.fixture
async def stranger(paying: Paying, make_org: MakeOrg) -> Caller:
    """Somebody of another customer's."""
    other = await make_org()
    assert paying.operator != other
    return Caller(other)


@pytest.fixture
def operating(paying: Paying) -> Caller:
    """Somebody of the operator's."""
    assert paying.operator is not None
    return Caller(paying.operator)
