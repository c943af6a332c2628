"""What is done about an invoice that could not be collected, and on which days: pure."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from llmo_core.model import Model


class Action(StrEnum):
    """What a step does: the payment method is charged again, the customer reminded, the service restricted or ended."""

    RETRY = "retry"
    REMIND = "remind"
    RESTRICT = "restrict"
    SUSPEND = "suspend"


class Step(Model):
    """What is done on a day.

    Attributes:
        day: So many days after the dunning began.
        actions: A retry is first, whatever their order: what it pays for needs nothing else.
    """

    day: Annotated[int, Field(ge=0, le=365)]
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=4)]


def _in_order(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if any(later.day <= earlier.day for earlier, later in pairwise(steps)):
        raise ValueError("each step comes on a later day than the one before")
    return steps


type Steps = Annotated[tuple[Step, ...], Field(min_length=1, max_length=20), AfterValidator(_in_order)]


class DunningPlan(Model):
    """The steps, in order."""

    steps: Steps

    @classmethod
    def parse(cls, text: str) -> Self:
        """The plan that a text says, such as `1:retry+remind,5:retry+restrict`. Raises ValueError."""
        steps: list[dict[str, object]] = []
        for part in text.split(","):
            day, _, actions = part.strip().partition(":")
            steps.append({"day": day, "actions": actions.split("+")})
        return cls.model_validate({"steps": steps})
