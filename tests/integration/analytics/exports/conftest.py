from collections.abc import Callable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from llmo_data.mongo import Document
from tests.integration.analytics.conftest import FILES_BUCKET
from tests.integration.analytics.exports.exporting import Exporting


@pytest.fixture
def exporting(mongodb: AsyncDatabase[Document], s3: Callable[[], Any]) -> Exporting:
    """A new organization without calls."""
    return Exporting(mongodb, FILES_BUCKET, s3)
