"""What a meter has counted: values that merge in any order, so that those of its parts make up that of a period."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field

from billing.exact import total
from billing.fields import Amount, Codes
from billing.metering.meters import Aggregation
from llmo_core.errors import Invalid
from llmo_core.model import Model

MOST_UNIQUE: Final = 100_000
"""Different values that are told apart in a period; they are all kept, so that merging stays exact."""


class TooManyUniqueValues(Invalid):
    """A meter tells at most 100,000 different values apart in a period."""


class UnlikeAggregates(Invalid):
    """A sum, a count, a maximum and a set of values do not merge with one another."""


class Sum(Model):
    """What fields add up to."""

    aggregation: Literal[Aggregation.SUM] = Aggregation.SUM
    total: Amount = Decimal(0)

    @property
    def quantity(self) -> Decimal:
        """What is charged for."""
        return self.total


class Count(Model):
    """How many events there were."""

    aggregation: Literal[Aggregation.COUNT] = Aggregation.COUNT
    events: Annotated[int, Field(ge=0)] = 0

    @property
    def quantity(self) -> Decimal:
        """What is charged for."""
        return Decimal(self.events)


class Max(Model):
    """The largest there was; None of no events."""

    aggregation: Literal[Aggregation.MAX] = Aggregation.MAX
    largest: Amount | None = None

    @property
    def quantity(self) -> Decimal:
        """What is charged for: 0 without events."""
        return self.largest if self.largest is not None else Decimal(0)


class Unique(Model):
    """The different values that there were."""

    aggregation: Literal[Aggregation.UNIQUE] = Aggregation.UNIQUE
    values: Codes = frozenset()

    @property
    def quantity(self) -> Decimal:
        """What is charged for."""
        return Decimal(len(self.values))


type Aggregate = Annotated[Sum | Count | Max | Unique, Field(discriminator="aggregation")]


def merged(aggregation: Aggregation, aggregates: Iterable[Aggregate]) -> Aggregate:
    """Several as one, in any order; the empty one of none. Raises TooManyUniqueValues and UnlikeAggregates."""
    parts = list(aggregates)
    if any(part.aggregation is not aggregation for part in parts):
        raise UnlikeAggregates
    match aggregation:
        case Aggregation.SUM:
            return Sum(total=total(part.total for part in parts if isinstance(part, Sum)))
        case Aggregation.COUNT:
            return Count(events=sum(part.events for part in parts if isinstance(part, Count)))
        case Aggregation.MAX:
            there = [part.largest for part in parts if isinstance(part, Max) and part.largest is not None]
            return Max(largest=max(there, default=None))
        case Aggregation.UNIQUE:
            return unique_of(frozenset().union(*(part.values for part in parts if isinstance(part, Unique))))


def unique_of(values: frozenset[str]) -> Unique:
    """The values of a period, or a part of it. Raises TooManyUniqueValues."""
    if len(values) > MOST_UNIQUE:
        raise TooManyUniqueValues
    return Unique(values=values)
