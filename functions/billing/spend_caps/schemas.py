"""Bodies about spend caps."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from billing.spend_caps.models import CapInDollars, SpendCap
from llmo_core.fields import Moment
from llmo_core.model import Model

EXAMPLE: Final[dict[str, Any]] = {"limit_usd": "500.00"}


class SetSpendCap(Model):
    """A cap, or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    limit_usd: Annotated[
        CapInDollars | None,
        Field(description="What LLM calls may cost in a month, in US dollars, before any markup; null for no cap."),
    ]


class SpendCapOut(SetSpendCap):
    """The cap that is in force; of one that nobody set, `updated_at` is null."""

    revision: Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]
    updated_by: UUID | None
    updated_at: Moment | None

    @classmethod
    def of(cls, cap: SpendCap) -> Self:
        """Show a cap."""
        return cls(**cap.model_dump(exclude={"org_id"}))
