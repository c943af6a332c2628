"""The body of a preview."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from billing.catalogue.examples import PREVIEW
from billing.catalogue.previews import WantedPreview
from billing.fields import Code, Quantity
from billing.pricing.plans import MOST_CHARGES, PlanVersion
from billing.taxes import UNTAXED, Taxation
from llmo_core.fields import TimeZone
from llmo_core.model import Model


class PreviewPlan(Model):
    """Either a plan by its id, or what a version might say."""

    model_config = ConfigDict(json_schema_extra={"examples": [PREVIEW]})

    plan_id: UUID | None = None
    number: Annotated[
        int | None, Field(ge=1, le=2_147_483_647, description="Which version of the plan; null is the newest.")
    ] = None
    version: PlanVersion | None = Field(None, description="A version that is only thought of.")
    quantities: Annotated[
        dict[Code, Quantity],
        Field(
            default_factory=dict,
            max_length=MOST_CHARGES,
            description="What each meter would have counted, by its code.",
        ),
    ]
    seats: Quantity = Decimal(1)
    starts_on: Annotated[
        date | None, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31), description="The first day; null is today.")
    ] = None
    time_zone: TimeZone = "UTC"
    taxation: Taxation = UNTAXED

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.plan_id is None) == (self.version is None):
            raise ValueError("give either `plan_id` or `version`")
        if self.number is not None and self.plan_id is None:
            raise ValueError("`number` is that of a plan's version: give `plan_id` besides")
        return self

    def wanted(self) -> WantedPreview:
        """What is asked for."""
        fields = dict(self)
        definition = fields.pop("version")
        return WantedPreview(**fields, definition=definition)
