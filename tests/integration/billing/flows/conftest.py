"""Billing's flows: state machines that run, tasks as they are wired, and a stand-in for Stripe."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from billing import wiring as shared
from local.aws.moto import MotoServer
from local.process import free_port
from local.runtime.endpoint import AwsEndpoint
from tests.fakes.stripe import API_KEY
from tests.integration import lambda_calls
from tests.integration.billing.flows.machines import Machines, TasksHost
from tests.integration.billing.invoices.conftest import dunnery, invoice_objects, office, paying
from tests.integration.billing.invoices.dunnery import Dunnery
from tests.integration.organizations import PEPPER
from tests.integration.stores import PASSWORD, Postgres

__all__ = ["dunnery", "invoice_objects", "office", "paying"]


@pytest_asyncio.fixture(scope="session")
async def step_functions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, TasksHost]]:
    """A stand-in for Step Functions whose machines call billing's tasks."""
    port = free_port()
    moto = MotoServer(tmp_path_factory.mktemp("flows"), lambda_port=port)
    host = TasksHost()
    url = await moto.start()
    endpoint = AwsEndpoint(host, url)  # type: ignore[arg-type]  # it invokes and nothing else
    await endpoint.start(port)
    yield url, host
    await endpoint.stop()
    await moto.stop()


@pytest_asyncio.fixture
async def machines(
    step_functions: tuple[str, TasksHost],
    postgres: Postgres,
    dunnery: Dunnery,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Machines]:
    """The machines, with tasks that know the test's operator and its Stripe, and days of half a second."""
    url, host = step_functions
    operator_id = dunnery.office.catalogue.operator_id
    secrets = {"DATABASE_PASSWORD_SECRET": PASSWORD, "API_KEY_PEPPER_SECRET": PEPPER, "STRIPE_API_KEY_SECRET": API_KEY}
    environment = {
        **postgres.environment("llmo_billing"),
        **lambda_calls.environment(url, secrets),
        "OPERATOR_ORG_ID": str(operator_id),
        "STRIPE_BASE_URL": dunnery.paying.stripe.url,
        "DOCUMENTS_BUCKET": "llmo-no-such-bucket",
        "INVOICE_GRACE_MINUTES": "60",
        "INVOICE_TERMS_DAYS": "14",
        "DUNNING_STEPS": "1:retry+remind,3:retry+remind,5:retry+restrict,7:retry+suspend",
        "DUNNING_DAY_SECONDS": "0.5",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    dunnery.office.clock.moment = datetime.now(UTC)
    host.asked.clear()
    host.failures.clear()
    yield await Machines.made(url, host)
    await shared.close()
