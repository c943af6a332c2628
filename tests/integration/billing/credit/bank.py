"""The use cases of wallets, and what the ledger says of them."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from billing.ledger import wiring as ledger_wiring
from billing.ledger.bookings import Account, Booking
from billing.ledger.repository import PostgresLedger
from billing.models import Operator
from billing.wallets import wiring
from billing.wallets.credits import Credits, NewGrant
from billing.wallets.expiry import ExpiryService
from billing.wallets.models import Grant, Source, Wallet
from billing.wallets.repository import PostgresGrants, PostgresTopUps, PostgresWallets
from billing.wallets.top_ups import TopUpService
from billing.wallets.wallets import WalletService
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database, every
from tests.clocks import MovableClock
from tests.integration.auth.announcements import BusDown

USD = Currency.USD


class Bank:
    """All of them over one database, at one time."""

    def __init__(self, database: Database, operator_id: UUID | None, clock: MovableClock) -> None:
        self.database = database
        self.clock = clock
        self.wallets = PostgresWallets(database)
        self.grants = PostgresGrants(database)
        self.ledger = PostgresLedger(database, new_id)
        outbox = Outbox(database=database, schema="billing", bus=BusDown, clock=self.clock, new_id=new_id)
        shared: dict[str, Any] = {
            "events": outbox,
            "transaction": database.transaction,
            "clock": self.clock,
            "new_id": new_id,
        }
        self.credits = Credits(wallets=self.wallets, grants=self.grants, ledger=self.ledger, **shared)
        self.wallet_service = WalletService(
            wallets=self.wallets,
            grants=self.grants,
            credits_=self.credits,
            operator=Operator(operator_id),
            **shared,
        )
        self.top_ups = TopUpService(
            wallets=self.wallets, top_ups=PostgresTopUps(database), credits_=self.credits, **shared
        )
        self.expiry = ExpiryService(grants=self.grants, credits_=self.credits, clock=self.clock)

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.wallet_service: lambda: self.wallet_service,
            wiring.top_up_service: lambda: self.top_ups,
            ledger_wiring.ledger: lambda: self.ledger,
        }

    async def given(self, org_id: UUID, amount: int, booking: Booking, **others: Any) -> Grant:
        """Credit by a booking that mentions the grant."""
        [grant_id] = [entry.subject for entry in booking.entries if entry.account is Account.CREDIT]
        fields = {"id": grant_id, "source": Source.PROMOTION, "reference": booking.reference, **others}
        made = await self.credits.grant(org_id, booking.currency, NewGrant(amount=amount, **fields), booking)
        assert made is not None
        return made

    async def wallet(self, org_id: UUID, currency: Currency = USD) -> Wallet:
        """The wallet in a currency, as of now."""
        found = await self.wallets.page(org_id, now=self.clock.now(), before=None, limit=50)
        [wallet] = [one for one in found if one.currency is currency]
        return wallet

    async def left(self, org_id: UUID) -> Mapping[UUID, int]:
        """What is left of each grant."""
        async with self.database.transaction(org_id) as connection:
            rows = await every(connection, "SELECT id, remaining FROM billing.grants")
        return {row["id"]: row["remaining"] for row in rows}

    async def balances(self, org_id: UUID) -> Mapping[tuple[str, UUID | None], int]:
        """What each account of the ledger comes to."""
        async with self.database.transaction(org_id) as connection:
            rows = await every(
                connection,
                "SELECT account, subject, sum(amount)::bigint AS amount FROM billing.ledger_entries GROUP BY 1, 2",
            )
        return {(row["account"], row["subject"]): row["amount"] for row in rows}

    async def require_traceable(self, org_id: UUID) -> None:
        """The ledger adds up to nothing, and says of every grant what the grant says of itself."""
        balances = await self.balances(org_id)
        assert sum(balances.values()) == 0
        credit = {subject: -amount for (account, subject), amount in balances.items() if account == "credit"}
        assert credit == await self.left(org_id)
