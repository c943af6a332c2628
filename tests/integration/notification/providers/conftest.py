"""The stand-ins of those who send messages."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.fakes.aws_mail import FakeAws, moto_in_a_thread, running_aws
from tests.fakes.messages import FakeVendors, running_vendors


@pytest_asyncio.fixture
async def vendors() -> AsyncIterator[FakeVendors]:
    """Stand-ins of the test's own."""
    async with running_vendors() as running:
        yield running


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    """A moto in this process."""
    with moto_in_a_thread() as port:
        yield port


@pytest_asyncio.fixture
async def aws(moto_port: int) -> AsyncIterator[FakeAws]:
    """SES and SNS of the test's own."""
    async with running_aws(moto_port) as running:
        yield running
