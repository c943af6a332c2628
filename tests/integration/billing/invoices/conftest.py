"""Invoices over a real database and a real S3, on days that tests set."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from billing.api import app
from billing.dunning import wiring as dunning_wiring
from llmo_data.objects import Objects
from tests.fakes.stripe import running_stripe
from tests.integration.billing.calling import Caller, Catalogue
from tests.integration.billing.credit.bank import Bank
from tests.integration.billing.invoices.cashier import Cashier
from tests.integration.billing.invoices.dunnery import Dunnery
from tests.integration.billing.invoices.office import BUCKET, Office
from tests.integration.billing.payments.paying import Paying
from tests.integration.billing.subscribing import Subscribing
from tests.integration.billing.using import Using
from tests.integration.messaging.backbones import aws_client


@pytest_asyncio.fixture(scope="session")
async def invoice_objects(moto_url: str) -> AsyncIterator[Objects]:
    """Where documents are kept."""
    client = aws_client("s3", moto_url)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield Objects(BUCKET, "application/pdf", client=lambda: client)


@pytest.fixture
def office(
    catalogue: Catalogue,
    subscribing: Subscribing,
    using: Using,
    invoice_objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    """The use cases of invoices; all of billing goes by its clock."""
    bank = Bank(catalogue.database, catalogue.operator_id, subscribing.clock)
    using.clock = subscribing.clock
    made = Office(catalogue, subscribing, using, bank, invoice_objects)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest_asyncio.fixture
async def paying(office: Office) -> AsyncIterator[Paying]:
    """The use cases of payments, with a stand-in for Stripe."""
    async with running_stripe() as stripe:
        made = Paying(office.catalogue.database, stripe)
        yield made
        await made.provider.close()


@pytest.fixture
def cashier(office: Office, paying: Paying, operator: Caller, monkeypatch: pytest.MonkeyPatch) -> Cashier:
    """What collects invoices, and gives money back."""
    paying.operator = operator.org
    made = Cashier(office, paying)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def dunnery(office: Office, paying: Paying, operator: Caller, monkeypatch: pytest.MonkeyPatch) -> Dunnery:
    """The use cases of dunning."""
    made = Dunnery(office, paying, operator)
    monkeypatch.setitem(app.dependency_overrides, dunning_wiring.dunning_service, lambda: made.service)
    return made
