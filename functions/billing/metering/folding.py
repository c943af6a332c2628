"""Count events: each once, in any order, into aggregates that merge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from billing.exact import decimal_of, total
from billing.fields import LARGEST_QUANTITY, MOST_DECIMALS, decimal_places
from billing.metering.aggregates import Aggregate, Count, Max, Sum, unique_of
from billing.metering.meters import Aggregation, Meter
from llmo_core.errors import Invalid
from llmo_core.money import decimal_text

LONGEST_VALUE = 256  # characters, as the gateway cuts names of end users
_TAGS = "tags."


class NotMeasurable(Invalid):
    """The event does not have what a meter counts, as a number from 0 to 10^18 with twelve decimal places at most."""


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Something that was used.

    Attributes:
        name: `llm.call` of the gateway's.
        fields: As JSON has them, `tags` by their names; an amount of money is decimal text.
    """

    name: str
    fields: Mapping[str, object]


def counts(meter: Meter, event: UsageEvent) -> bool:
    """Whether an event is one of those that the meter counts."""
    return event.name == meter.event and all(
        _text(_value(event, condition.field)) in condition.values for condition in meter.filters
    )


def fold(meter: Meter, events: Iterable[UsageEvent]) -> Aggregate:
    """What the meter counts of events, whichever of them it counts.

    Events are taken as they come: that each comes once is the caller's promise. Raises NotMeasurable and
    TooManyUniqueValues.
    """
    counted = (event for event in events if counts(meter, event))
    match meter.aggregation:
        case Aggregation.SUM:
            return Sum(total=total(_measured(meter, event) for event in counted))
        case Aggregation.COUNT:
            return Count(events=sum(1 for _ in counted))
        case Aggregation.MAX:
            return Max(largest=max((_measured(meter, event) for event in counted), default=None))
        case Aggregation.UNIQUE:
            texts = (_text(_value(event, meter.fields[0])) for event in counted)
            return unique_of(frozenset(text for text in texts if text is not None))


def _measured(meter: Meter, event: UsageEvent) -> Decimal:
    return total(_number(_value(event, field), field) for field in meter.fields)


def _value(event: UsageEvent, field: str) -> object:
    if not field.startswith(_TAGS):
        return event.fields.get(field)
    tags = event.fields.get("tags")
    return tags.get(field.removeprefix(_TAGS)) if isinstance(tags, Mapping) else None


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return (decimal_text(value) if isinstance(value, Decimal) else str(value))[:LONGEST_VALUE]


def _number(value: object, field: str) -> Decimal:
    """Exact, but for floats, which never were: those are rounded to twelve places, half to even."""
    number = _decimal(value)
    if number is None or not number.is_finite() or not 0 <= number <= LARGEST_QUANTITY:
        raise _refused(field)
    if isinstance(value, int):
        return number
    if isinstance(value, float):
        return decimal_of(round(Fraction(number) * 10**MOST_DECIMALS), MOST_DECIMALS)
    if decimal_places(number) > MOST_DECIMALS:
        raise _refused(field)
    return number


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        return None
    try:
        return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None


def _refused(field: str) -> NotMeasurable:
    return NotMeasurable(f"`{field}` is not a number from 0 to 10^18 with twelve decimal places at most.")
