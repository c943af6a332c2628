"""Bodies about prepaid organizations."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from billing.prepaid.models import LimitInDollars, Prepaid
from llmo_core.fields import Moment
from llmo_core.model import Model

EXAMPLE: Final[dict[str, Any]] = {"pays_in_advance": True}


class DecidePrepaid(Model):
    """Whether an organization pays in advance."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    pays_in_advance: StrictBool


class PrepaidOut(DecidePrepaid):
    """Whether an organization pays in advance, and what its calls may cost since it does."""

    org_id: UUID
    since: Annotated[Moment | None, Field(description="When it began, or will; null where it does not.")]
    limit_usd: Annotated[
        LimitInDollars | None, Field(description="What its calls since then may cost together, as the gateway knows.")
    ]
    revision: Annotated[int, Field(description="1, and one more with each decision; the `ETag`.")]

    @classmethod
    def of(cls, prepaid: Prepaid) -> Self:
        """Show what is decided."""
        shown = prepaid.model_dump(include={"org_id", "since", "limit_usd", "revision"})
        return cls(**shown, pays_in_advance=prepaid.since is not None)
