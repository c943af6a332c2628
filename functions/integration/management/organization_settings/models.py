"""What holds for all of an organization, and what can go wrong with it."""

from datetime import datetime
from uuid import UUID

from integration.management.models import Versioned
from llmo_core.errors import Invalid
from llmo_core.fields import is_time_zone
from llmo_messaging.envelope import Event


class OrganizationSettings(Versioned):
    """What holds for all of an organization.

    Attributes:
        time_zone: IANA's name: where the days, weeks and months of budgets begin.
        updated_by: A user, an API key or a service account; None before anybody set something.
    """

    time_zone: str = "UTC"
    updated_by: UUID | None = None
    updated_at: datetime | None = None


class SettingsChanged(Event, name="llmo.integration.settings.changed"):
    """What holds for all of an organization from now on."""

    time_zone: str
    version: int
    changed_by: UUID


class UnknownTimeZone(Invalid):
    """There is no time zone of this name in IANA's database."""


def require_time_zone(name: str) -> None:
    """Raise UnknownTimeZone for what is none."""
    if not is_time_zone(name):
        raise UnknownTimeZone
