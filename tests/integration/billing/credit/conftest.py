"""Wallets over a real database, at a time that tests set."""

import pytest

from billing.api import app
from llmo_data.postgres import Database
from tests.clocks import MovableClock
from tests.integration.billing.calling import Catalogue
from tests.integration.billing.credit.bank import Bank


@pytest.fixture
def bank(billing_database: Database, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The use cases of wallets, over HTTP as well; the operator is that of the catalogue."""
    made = Bank(billing_database, catalogue.operator_id, MovableClock())
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made
