"""What an alert looks at, when it is crossed, and what can go wrong with one."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, NamedTuple, Self
from uuid import UUID

from pydantic import Field, ValidationError, model_validator

from billing.exact import difference, percent, product
from billing.fields import Amount, Code, PositiveQuantity, Quantity
from billing.models import ChangedMeanwhile
from billing.periods import Period
from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.fields import Moment, Name
from llmo_core.model import Model

MOST_ALERTS: Final = 50
MOST_THRESHOLDS: Final = 10
DEFAULT_PERCENTAGES: Final = (50, 80, 95, 100)

type Percentage = Annotated[int, Field(ge=1, le=1000)]


class AlertKind(StrEnum):
    """What an alert looks at.

    `spend` is what the current period has come to, and `projected` what it will, both as current usage shows it;
    `usage` what a meter has counted in it; `credit_balance` what is left in a wallet.
    """

    SPEND = "spend"
    PROJECTED = "projected"
    USAGE = "usage"
    CREDIT_BALANCE = "credit_balance"


class Level(NamedTuple):
    """A value at which an alert is crossed, and how many percent of its limit that is."""

    value: Decimal
    percent: int | None


class Levels(Model):
    """The values at which an alert is crossed: minor units of money, or units of a meter.

    Attributes:
        limit: What percentages are taken of.
        thresholds: Values themselves.
    """

    limit: PositiveQuantity | None = None
    percentages: tuple[Percentage, ...] = ()
    thresholds: tuple[Quantity, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.percentages and self.limit is None:
            raise ValueError("percentages are of a limit: say which")
        if not self.percentages and not self.thresholds:
            raise ValueError("an alert has a limit with percentages, or thresholds")
        if len(self.percentages) + len(self.thresholds) > MOST_THRESHOLDS:
            raise ValueError(f"an alert has {MOST_THRESHOLDS} percentages and thresholds at most")
        values = [level.value for level in self.of(AlertKind.SPEND)]
        if len(set(values)) < len(values):
            raise ValueError("each percentage and threshold is given once")
        return self

    def changed(self, fields: Mapping[str, object]) -> "Levels":
        """The same with other fields. Raises UnfittingLevels."""
        try:
            return Levels.model_validate(dict(self) | dict(fields))
        except ValidationError as error:
            raise UnfittingLevels(error.errors()[0]["msg"].removeprefix("Value error, ")) from error

    def of(self, kind: AlertKind) -> Sequence[Level]:
        """The values of an alert of this kind. Of a balance, percentages are what is gone of the limit."""
        limit = self.limit or Decimal(0)
        shares = [Level(product(limit, percent(Decimal(points))), points) for points in self.percentages]
        if kind is AlertKind.CREDIT_BALANCE:
            shares = [Level(difference(limit, share.value), share.percent) for share in shares]
        return [*shares, *(Level(value, None) for value in self.thresholds)]


class Alert(Model):
    """Something that an organization wants to be told of, once for each period and level.

    Attributes:
        currency: Of amounts of money; None of usage.
        meter: What usage is counted by.
        wallet_id: Whose balance it looks at.
        revision: 1, and one more with each change.
        looked_at: When it was compared with what there is the last time.
    """

    id: UUID
    org_id: UUID
    name: Name
    kind: AlertKind
    currency: Currency | None = None
    meter: Code | None = None
    wallet_id: UUID | None = None
    levels: Levels
    revision: int = 1
    created_by: UUID
    created_at: Moment
    updated_at: Moment
    looked_at: Moment

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile

    def require_fitting(self) -> None:
        """Raise UnfittingLevels where its levels are none of what it looks at."""
        values = [level.value for level in self.levels.of(self.kind)]
        if self.kind is not AlertKind.USAGE and any(value != value.to_integral_value() for value in values):
            raise UnfittingLevels("Amounts of money are whole minor units: choose another limit or other percentages.")
        if any(value < 0 for value in values):
            raise UnfittingLevels("Of a balance, 100 percent are gone at the most.")

    def crossed(self, value: Decimal) -> Sequence[Level]:
        """The levels that a value has come to: from below, or of a balance from above."""
        falls = self.kind is AlertKind.CREDIT_BALANCE
        return [
            level for level in self.levels.of(self.kind) if (value <= level.value if falls else value >= level.value)
        ]


class Crossing(Model):
    """A level of an alert that was crossed.

    Attributes:
        period: In which; of a balance only since when the alert is there.
        recovered_at: When the balance was above it again.
    """

    id: UUID
    threshold: Quantity
    percent: int | None
    value: Amount
    period_start: Moment
    period_end: Moment | None
    crossed_at: Moment
    recovered_at: Moment | None = None


class Reading(NamedTuple):
    """What there is of what an alert looks at, and in which period; a balance has none."""

    value: Decimal
    period: Period | None


class UnknownAlert(NotFound):
    """There is no alert with this id."""


class TooManyAlerts(Conflict):
    """The organization has as many alerts as it may."""


class CurrencyMismatch(Invalid):
    """The subscription is billed in another currency."""


class UnfittingLevels(Invalid):
    """The limit, the percentages or the thresholds make no sense for what the alert looks at."""
