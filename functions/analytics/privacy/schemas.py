"""What is told of an erasure."""

from typing import Self

from pydantic import Field

from analytics.privacy.models import Erased
from llmo_core.model import Model


class ErasedOut(Model):
    """What this request erased. Unless it is `done`, more is left: repeat it."""

    events: int = Field(description="Tracked events that were deleted.")
    calls: int = Field(description="LLM calls that do not name the person any more; what they used and cost stays.")
    done: bool

    @classmethod
    def of(cls, erased: Erased) -> Self:
        """Show it."""
        return cls(**dict(erased))
