"""Counters as dashboards read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from analytics.live.models import WINDOW, Counters
from analytics.querying.models import Metric
from analytics.querying.schemas import Shown, shown
from llmo_core.model import Model


class ModelOut(Model):
    """The calls of one model."""

    model: str | None
    values: Mapping[Metric, Shown]


class CountersOut(Model):
    """The calls that started in the last minute, in all and by model; dollars are decimal text."""

    at: datetime
    seconds: int
    totals: Mapping[Metric, Shown]
    models: list[ModelOut]

    @classmethod
    def of(cls, counters: Counters) -> Self:
        """Show counters."""
        answer = counters.answer
        metrics = answer.question.metrics
        return cls(
            at=counters.at,
            seconds=round(WINDOW.total_seconds()),
            totals=dict(zip(metrics, map(shown, answer.totals), strict=True)),
            models=[
                ModelOut(model=row.group[0], values=dict(zip(metrics, map(shown, row.values), strict=True)))
                for row in answer.rows
            ],
        )
