"""The stand-ins of those who send messages."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fakes.messages import FakeVendors, running_vendors


@pytest_asyncio.fixture
async def vendors() -> AsyncIterator[FakeVendors]:
    """Stand-ins of the test's own."""
    async with running_vendors() as running:
        yield running
