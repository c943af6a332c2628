"""Showing who operates the platform how it is doing."""

from datetime import UTC, datetime, timedelta
from typing import Final

from analytics.models import EmptyRange
from analytics.platform.models import Interval, Operator, PlatformFigures, Window
from analytics.platform.ports import Figures
from llmo_auth.principal import Principal
from llmo_core.clock import Clock

_DEFAULT: Final = timedelta(hours=1)


class PlatformMetrics:
    """Shows the figures of functions and queues to the operator, and to nobody else."""

    def __init__(self, *, figures: Figures, operator: Operator, clock: Clock) -> None:
        self._figures = figures
        self._operator = operator
        self._clock = clock

    async def within(
        self, principal: Principal, *, start: datetime | None, end: datetime | None, interval: Interval | None
    ) -> PlatformFigures:
        """The figures of a range: of the last hour, unless another one is asked for.

        Raises NotTheOperator, EmptyRange, RangeTooLong, TooLongAgo, TooManySteps, MetricsUnavailable.
        """
        self._operator.require(principal)
        now = self._clock.now().astimezone(UTC)
        until = min(end.astimezone(UTC), now) if end is not None else now
        since = start.astimezone(UTC) if start is not None else until - _DEFAULT
        if since >= until:
            raise EmptyRange
        return await self._figures.within(Window.of(since, until, interval, now=now))
