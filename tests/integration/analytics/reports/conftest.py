from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from pymongo.asynchronous.database import AsyncDatabase

from analytics import api
from analytics.reports.wiring import report_service
from llmo_data.mongo import Document
from tests.integration.analytics.conftest import FILES_BUCKET
from tests.integration.analytics.reports.reporting import Reporting, ReportsCaller
from tests.integration.api_caller import ApiCaller


@pytest_asyncio.fixture
async def reporting(mongodb: AsyncDatabase[Document], s3: Callable[[], Any]) -> Reporting:
    """A new organization without calls, and nobody else's reports."""
    for collection in ("reports", "report_runs"):
        await mongodb[collection].delete_many({})
    return Reporting(mongodb, FILES_BUCKET, s3)


@pytest_asyncio.fixture
async def call(reporting: Reporting) -> AsyncIterator[ApiCaller]:
    async def service() -> Any:
        return reporting.service

    api.app.dependency_overrides[report_service] = service
    yield ReportsCaller(api.app, reporting.member())
    api.app.dependency_overrides.clear()


@pytest.fixture
def other(call: ApiCaller, reporting: Reporting) -> ApiCaller:  # noqa: ARG001 - it has the service
    """Another member of the same organization."""
    return ReportsCaller(api.app, reporting.member())


@pytest.fixture
def stranger(call: ApiCaller, reporting: Reporting) -> ApiCaller:  # noqa: ARG001 - it has the service
    """A member of another organization."""
    elsewhere = Reporting(reporting.database, reporting.bucket, reporting.client)
    return ReportsCaller(api.app, elsewhere.member())
