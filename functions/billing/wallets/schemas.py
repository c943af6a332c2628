"""Bodies about wallets, grants and top-ups. Amounts are in minor units: cents of a currency that has them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from billing.wallets.models import (
    GIVEN,
    AutomaticTopUp,
    Grant,
    PositiveAmount,
    Priority,
    Source,
    TopUp,
    TopUpStatus,
    Wallet,
    WalletSettings,
)
from billing.wallets.wallets import Promotion
from llmo_core.currencies import Currency
from llmo_core.fields import Name
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

# PostgreSQL's text holds no NUL; lines may be broken.
type Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class ChangeWallet(Model):
    """What an organization decides of its wallet."""

    name: Name
    low_balance: Annotated[
        PositiveAmount | None, Field(description="Whoever has less than this is told, once until it is more again.")
    ] = None
    automatic_top_up: Annotated[
        AutomaticTopUp | None,
        Field(
            description="When an invoice has taken of it and less than `below` is left, the default payment method is"
            " charged with `amount`."
        ),
    ] = None

    def settings(self) -> WalletSettings:
        """What is asked for."""
        return WalletSettings(name=self.name, low_balance=self.low_balance, automatic_top_up=self.automatic_top_up)


class CreateWallet(ChangeWallet):
    """A wallet, of which there is one in each currency."""

    currency: Currency


class GiveCredit(Model):
    """Credit that is given away."""

    id: Annotated[
        UUID | None, Field(description="Of the grant: asked for again under the same id, it is given once.")
    ] = None
    currency: Currency
    amount: PositiveAmount
    reason: Reason
    priority: Annotated[Priority, Field(description="1 is spent first; credit that was paid for has 50.")] = GIVEN
    expires_at: AwareDatetime | None = None

    def promotion(self) -> Promotion:
        """What is given."""
        return Promotion(**dict(self))


class BuyCredit(Model):
    """Credit that is to be paid for."""

    amount: PositiveAmount
    payment_method_id: Annotated[UUID | None, Field(description="Null is the default payment method.")] = None


class WalletOut(Model):
    """A wallet. `balance` is what is left of all grants that have not expired."""

    id: UUID
    currency: Currency
    name: str
    balance: int
    low_balance: int | None
    automatic_top_up: AutomaticTopUp | None
    revision: Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]
    created_at: datetime

    @classmethod
    def of(cls, wallet: Wallet) -> Self:
        """Show a wallet."""
        return cls(**{name: getattr(wallet, name) for name in cls.model_fields})


class WalletPage(Model):
    """Some wallets, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[WalletOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Wallet]) -> Self:
        """Show a page."""
        return cls(data=[WalletOut.of(wallet) for wallet in page.data], next_cursor=cursor_after(page.last))


class GrantOut(Model):
    """Credit: paid for, given away, left over of an invoice, or given back by one that is void."""

    id: UUID
    wallet_id: UUID
    source: Source
    reference: Annotated[UUID, Field(description="The top-up or the invoice it comes of, else the grant itself.")]
    reason: str
    currency: Currency
    amount: int
    remaining: int
    priority: int
    expires_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Show a grant."""
        return cls(**grant.model_dump(exclude={"org_id"}))


class GrantPage(Model):
    """Some grants, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[GrantOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Grant]) -> Self:
        """Show a page."""
        return cls(data=[GrantOut.of(grant) for grant in page.data], next_cursor=cursor_after(page.last))


class TopUpOut(Model):
    """Credit that is being paid for: `pending`, then `succeeded` or `failed`."""

    id: UUID
    wallet_id: UUID
    currency: Currency
    amount: int
    automatic: bool
    status: TopUpStatus
    failure: str | None
    created_by: Annotated[UUID | None, Field(description="Null where it was made because little was left.")]
    created_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, top_up: TopUp) -> Self:
        """Show a top-up."""
        return cls(**top_up.model_dump(exclude={"org_id"}))


class TopUpPage(Model):
    """Some top-ups, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[TopUpOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[TopUp]) -> Self:
        """Show a page."""
        return cls(data=[TopUpOut.of(top_up) for top_up in page.data], next_cursor=cursor_after(page.last))
