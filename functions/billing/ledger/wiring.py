"""The ledger with its adapter."""

from billing import wiring as shared
from billing.ledger.repository import PostgresLedger
from llmo_core.ids import new_id


async def ledger() -> PostgresLedger:
    """What was booked."""
    return PostgresLedger(shared.database(), new_id)
