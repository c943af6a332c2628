"""What the use cases of wallets need of the world around them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.fields import MinorUnits
from billing.ledger.bookings import Account, Booking
from billing.wallets.models import Grant, TopUp, Wallet
from llmo_core.currencies import Currency


class Ledger(Protocol):
    """Where everything is booked."""

    async def book(self, org_id: UUID, booking: Booking, *, at: datetime) -> bool:
        """Book something in the transaction under way; False, and nothing, where it is booked already."""
        ...

    async def balance(self, org_id: UUID, account: Account, subject: UUID) -> int:
        """What an account of something comes to, with what the transaction under way has booked."""
        ...


class Wallets(Protocol):
    """Where wallets are kept. Their balances are those of a moment: what has expired by then is none."""

    async def page(self, org_id: UUID, *, now: datetime, before: UUID | None, limit: int) -> Sequence[Wallet]:
        """At most `limit` of an organization's wallets, the newest first, that are older than the one with this id."""
        ...

    async def find(self, org_id: UUID, wallet_id: UUID, *, now: datetime) -> Wallet | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, currency: Currency, *, now: datetime) -> Wallet | None:
        """The one in this currency, which nobody else fills or spends from before the transaction under way ends."""
        ...

    async def add(self, wallet: Wallet) -> bool:
        """Keep a new one; False, and nothing, where there is one in its currency."""
        ...

    async def change(self, wallet: Wallet) -> None:
        """Keep other settings."""
        ...


class Grants(Protocol):
    """Where grants are kept."""

    async def page(self, org_id: UUID, wallet_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Grant]:
        """At most `limit` of a wallet's grants, the newest first, that are older than the one with this id."""
        ...

    async def left(self, org_id: UUID, wallet_id: UUID) -> Sequence[Grant]:
        """Those of which something is left, expired ones as well."""
        ...

    async def named(self, org_id: UUID, grant_ids: Sequence[UUID]) -> Sequence[Grant]:
        """Those with these ids."""
        ...

    async def referring(self, org_id: UUID, wallet_id: UUID, references: Sequence[UUID]) -> Sequence[Grant]:
        """A wallet's that come of any of these, the newest first."""
        ...

    async def add(self, grant: Grant) -> None:
        """Keep a new one. Raises GrantDiffers when its id is taken."""
        ...

    async def take(self, org_id: UUID, amounts: Mapping[UUID, MinorUnits]) -> None:
        """Let less be left of grants. Raises CreditSpentMeanwhile where there is not so much."""
        ...

    async def wallets_with_expired(self, now: datetime, *, limit: int) -> Sequence[tuple[UUID, Currency]]:
        """Some wallets, by organization and currency, that have credit left which has expired."""
        ...


class TopUps(Protocol):
    """Where top-ups are kept."""

    async def page(self, org_id: UUID, wallet_id: UUID, *, before: UUID | None, limit: int) -> Sequence[TopUp]:
        """At most `limit` of a wallet's top-ups, the newest first, that are older than the one with this id."""
        ...

    async def find(self, org_id: UUID, top_up_id: UUID) -> TopUp | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, top_up_id: UUID) -> TopUp | None:
        """The one with this id, which nobody else settles before the transaction under way ends."""
        ...

    async def add(self, top_up: TopUp) -> bool:
        """Keep a new one; False, and nothing, where the wallet is being topped up by itself already."""
        ...

    async def settle(self, top_up: TopUp) -> None:
        """Keep how it ended."""
        ...
