"""What the schedule's function can be asked."""

from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from llmo_core.model import Model


class Rebuild(Model):
    """Have the calls of a range be rolled up again; without `org_id` those of every organization."""

    model_config = ConfigDict(populate_by_name=True)

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    org_id: UUID | None = None
