"""Bodies about retention."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from analytics.data_retention.models import FEWEST_DAYS, MOST_DAYS, Retention
from llmo_core.model import Model


class ChooseRetention(Model):
    """For how many days events are to be kept; null for as long as the plan has it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"days": 60}]})

    days: Annotated[int, Field(ge=FEWEST_DAYS, le=MOST_DAYS, strict=True)] | None


class RetentionOut(Model):
    """For how many days events are kept, counted from the end of the day (in UTC) on which they happened."""

    days: int
    chosen_days: int | None = Field(description="What the organization chose; null for as long as the plan has it.")
    most_days: int = Field(description="What it may choose at most: what its plan has.")

    @classmethod
    def of(cls, retention: Retention) -> Self:
        """Show it."""
        return cls(days=retention.days, chosen_days=retention.chosen_days, most_days=retention.most_days)
