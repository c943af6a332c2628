import pytest
from pymongo.asynchronous.database import AsyncDatabase

from llmo_data.mongo import Document
from tests.integration.analytics.tracking.calling import Tracked


@pytest.fixture
def tracked(mongodb: AsyncDatabase[Document]) -> Tracked:
    """An organization of its own, at noon of a day that is far away."""
    return Tracked(mongodb)
