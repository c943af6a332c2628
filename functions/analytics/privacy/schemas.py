"""What is told of an erasure."""

from typing import Self

from pydantic import Field

from analytics.erasures.models import Kind
from analytics.privacy.models import Erased
from llmo_core.model import Model


class ErasureParameters(Model):
    """Whose the id is."""

    kind: Kind = Field(Kind.USER, description="`anonymous` for an `anonymous_id`.")


class ErasedOut(Model):
    """What this request erased. Unless it is `done`, more is left: repeat it."""

    events: int = Field(description="Tracked events that were deleted.")
    calls: int = Field(description="LLM calls that do not name the person any more; what they used and cost stays.")
    rollups: int = Field(description="Sums that do not name the person any more, of calls that may be gone already.")
    files: int = Field(description="Files of exports and reports that were deleted: they may have named the person.")
    done: bool

    @classmethod
    def of(cls, erased: Erased) -> Self:
        """Show it."""
        return cls(**dict(erased))
