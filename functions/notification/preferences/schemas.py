"""Bodies about preferences."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from llmo_core.fields import Moment
from notification.preferences.models import Choices, Defaults, OrganizationPreferences, UserPreferences

CHOICES: Final[dict[str, Any]] = {
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "quiet_hours": {"start": "22:00", "end": "07:00", "days": [1, 2, 3, 4, 5, 6, 7]},
    "digests": {"reports": {"every": "weekly", "hour": 8, "weekday": 1}},
    "channels": {"budgets": {"push": True, "sms": True}, "updates": {"email": False}},
    "daily_caps": {"push": 10},
}
DEFAULTS: Final[dict[str, Any]] = {
    "locale": "en",
    "time_zone": "Europe/Vienna",
    "channels": {"updates": {"email": False}},
    "category_channels": {"budgets": ["in_app", "push"]},
    "push_fallback_minutes": 30,
}

type Revision = Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]


class SetPreferences(Choices):
    """What somebody chooses for themselves, in place of all that they chose before."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHOICES]})

    def chosen(self) -> Choices:
        """What is chosen."""
        return Choices(**dict(self))


class PreferencesOut(Choices):
    """What the caller chose; `updated_at` is null before that."""

    revision: Revision
    updated_at: Moment | None

    @classmethod
    def of(cls, preferences: UserPreferences) -> Self:
        """Show preferences."""
        shown = {"revision": preferences.revision, "updated_at": preferences.updated_at}
        return cls(**dict(preferences.choices), **shown)


class SetOrganizationPreferences(Defaults):
    """What an organization chooses for its members, in place of all that it chose before."""

    model_config = ConfigDict(json_schema_extra={"examples": [DEFAULTS]})

    def chosen(self) -> Defaults:
        """What is chosen."""
        return Defaults(**dict(self))


class OrganizationPreferencesOut(Defaults):
    """What the organization chose; `updated_at` is null before that."""

    revision: Revision
    updated_by: UUID | None
    updated_at: Moment | None

    @classmethod
    def of(cls, preferences: OrganizationPreferences) -> Self:
        """Show preferences."""
        shown = preferences.model_dump(include={"revision", "updated_by", "updated_at"})
        return cls(**dict(preferences.defaults), **shown)
