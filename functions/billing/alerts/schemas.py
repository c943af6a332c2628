"""Bodies about alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from billing.alerts.models import (
    DEFAULT_PERCENTAGES,
    MOST_THRESHOLDS,
    Alert,
    AlertKind,
    Crossing,
    Levels,
    Percentage,
)
from billing.alerts.service import NewAlert
from billing.fields import Amount, Code, PositiveQuantity, Quantity
from llmo_core.currencies import Currency
from llmo_core.fields import Name
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

EXAMPLES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "spend": {
            "summary": "Half, four fifths and all of 500 dollars in a period",
            "value": {
                "kind": "spend",
                "name": "Spend",
                "currency": "USD",
                "limit": "50000",
                "percentages": [50, 80, 100],
            },
        },
        "usage": {
            "summary": "A million units of a meter",
            "value": {"kind": "usage", "name": "Tokens", "meter": "tokens", "limit": "1000000"},
        },
        "projected": {
            "summary": "The bill will probably be a thousand dollars",
            "value": {"kind": "projected", "name": "Bill", "currency": "USD", "thresholds": ["100000"]},
        },
        "credit_balance": {
            "summary": "Ten dollars are left in a wallet",
            "value": {
                "kind": "credit_balance",
                "name": "Credit low",
                "wallet_id": "01980a5e-7c00-7000-8000-000000000701",
                "thresholds": ["1000"],
            },
        },
    }
)

type Limit = Annotated[
    PositiveQuantity | None, Field(description="What percentages are of: minor units of money, or units of the meter.")
]
type Percentages = Annotated[
    tuple[Percentage, ...],
    Field(
        max_length=MOST_THRESHOLDS,
        description="Of the limit; 50, 80, 95 and 100 where there is one. Of a balance, what is gone of it.",
    ),
]
type Thresholds = Annotated[tuple[Quantity, ...], Field(max_length=MOST_THRESHOLDS, description="Values themselves.")]


class _NewLevels(Model):
    name: Name
    limit: Limit = None
    percentages: Percentages | None = None
    thresholds: Thresholds = ()

    @model_validator(mode="after")
    def _levels_make_sense(self) -> Self:
        self.levels()
        return self

    def levels(self) -> Levels:
        """The values at which it is crossed."""
        default = DEFAULT_PERCENTAGES if self.limit is not None else ()
        percentages = self.percentages if self.percentages is not None else default
        return Levels(limit=self.limit, percentages=percentages, thresholds=self.thresholds)


class NewMoneyAlert(_NewLevels):
    """Of what the current period has come to, or will."""

    kind: Literal[AlertKind.SPEND, AlertKind.PROJECTED]
    currency: Currency


class NewUsageAlert(_NewLevels):
    """Of what a meter has counted in the current period."""

    kind: Literal[AlertKind.USAGE]
    meter: Code


class NewBalanceAlert(_NewLevels):
    """Of what is left in a wallet."""

    kind: Literal[AlertKind.CREDIT_BALANCE]
    wallet_id: UUID


type CreateAlert = Annotated[NewMoneyAlert | NewUsageAlert | NewBalanceAlert, Field(discriminator="kind")]


def made_of(body: NewMoneyAlert | NewUsageAlert | NewBalanceAlert) -> NewAlert:
    """What is asked for."""
    return NewAlert(
        name=body.name,
        kind=body.kind,
        currency=body.currency if isinstance(body, NewMoneyAlert) else None,
        meter=body.meter if isinstance(body, NewUsageAlert) else None,
        wallet_id=body.wallet_id if isinstance(body, NewBalanceAlert) else None,
        levels=body.levels(),
    )


class ChangeAlert(Model):
    """What is left out stays as it is. Levels of other values are told of anew."""

    name: Name = ""
    limit: Limit = None
    percentages: Percentages = ()
    thresholds: Thresholds = ()


class AlertOut(Model):
    """An alert. `currency` is of its amounts, in minor units; of usage it is null."""

    id: UUID
    name: str
    kind: AlertKind
    currency: Currency | None
    meter: str | None
    wallet_id: UUID | None
    limit: Amount | None
    percentages: tuple[int, ...]
    thresholds: tuple[Amount, ...]
    revision: Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """Show an alert."""
        return cls(**_shown(alert))


class CrossingOut(Model):
    """When a level was crossed, and what there was then. A balance has no period, and may be above it again."""

    id: UUID
    threshold: Amount
    percent: int | None
    value: Amount
    period_start: datetime | None
    period_end: datetime | None
    crossed_at: datetime
    recovered_at: datetime | None

    @classmethod
    def of(cls, crossing: Crossing) -> Self:
        """Show a crossing."""
        start = crossing.period_start if crossing.period_end is not None else None
        return cls(**crossing.model_dump(exclude={"period_start"}), period_start=start)


class AlertWithCrossingsOut(AlertOut):
    """An alert with what was crossed of it, the latest first, a hundred at most."""

    crossings: list[CrossingOut]

    @classmethod
    def with_crossings(cls, alert: Alert, crossings: Sequence[Crossing]) -> Self:
        """Show an alert and what was crossed."""
        return cls(**_shown(alert), crossings=[CrossingOut.of(each) for each in crossings])


class AlertPage(Model):
    """Some alerts, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[AlertOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Alert]) -> Self:
        """Show a page."""
        return cls(data=[AlertOut.of(alert) for alert in page.data], next_cursor=cursor_after(page.last))


def _shown(alert: Alert) -> dict[str, Any]:
    hidden = {"org_id", "levels", "created_by", "looked_at"}
    return {**alert.model_dump(exclude=hidden), **dict(alert.levels)}
