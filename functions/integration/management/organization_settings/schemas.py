"""Bodies about settings."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from integration.management.organization_settings.models import OrganizationSettings
from llmo_core.model import Model

type TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_+/-]+$")]

_TIME_ZONE = "The name in IANA's database of where the days, weeks and months of budgets begin."


class PutSettings(Model):
    """What shall hold for all of the organization."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"time_zone": "Europe/Berlin"}]})

    time_zone: TimeZone = Field(description=_TIME_ZONE)


class SettingsOut(Model):
    """What holds for all of the organization. `updated_by` and `updated_at` are null before anybody set something."""

    time_zone: str = Field(description=_TIME_ZONE)
    version: int
    updated_by: UUID | None
    updated_at: datetime | None

    @classmethod
    def of(cls, settings: OrganizationSettings) -> Self:
        """Show settings."""
        return cls(**settings.model_dump(exclude={"org_id"}))
