"""What the operator sees of revenue."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from billing.models import Operator
from billing.periods import months_after
from billing.revenue.models import MOST_MONTHS, Month, Movement, TooManyMonths
from billing.revenue.ports import Revenue
from llmo_auth.principal import Principal
from llmo_core.clock import Clock

_SHOWN = 12
# An hour of grace, and an hour until the next invoice run: until then what a period's end brings is not invoiced.
_INVOICED_WITHIN = timedelta(hours=3)


class RevenueReader:
    """Shows the operator what comes of all organizations together."""

    def __init__(self, *, revenue: Revenue, operator: Operator, clock: Clock) -> None:
        self._revenue = revenue
        self._operator = operator
        self._clock = clock

    async def months(self, principal: Principal, *, first: date | None, last: date | None) -> Sequence[Month]:
        """Every month and currency in which there was something, by month, then currency.

        Up to the present month, and the eleven before, unless others are asked for. Raises NotTheOperator,
        TooManyMonths.
        """
        self._operator.require(principal)
        now = self._clock.now()
        shown = _shown(first, last, now)
        movements = await self._revenue.movements(shown, now=now)
        booked = await self._revenue.booked(shown, now=now)
        return [
            Month(
                month=month,
                until=min(_end(month), now),
                complete=_end(month) + _INVOICED_WITHIN <= now,
                currency=currency,
                movement=movements.get((month, currency), Movement()),
                booked=tuple(booked.get((month, currency), ())),
            )
            for month, currency in sorted({*movements, *booked})
        ]


def _shown(first: date | None, last: date | None, now: datetime) -> Sequence[date]:
    """The months from the first to the last one that is wanted, but none that has not begun."""
    present = now.date().replace(day=1)
    until = min(last.replace(day=1) if last is not None else present, present)
    begins = first.replace(day=1) if first is not None else months_after(until, 1 - _SHOWN)
    count = (until.year - begins.year) * 12 + until.month - begins.month + 1
    if not 1 <= count <= MOST_MONTHS:
        raise TooManyMonths(f"Ask for 1 to {MOST_MONTHS} months, none of which begins after today.")
    return [months_after(begins, number) for number in range(count)]


def _end(month: date) -> datetime:
    return datetime.combine(months_after(month, 1), time(), UTC)
