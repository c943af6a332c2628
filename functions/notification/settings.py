"""What the functions of notification are told by their environment."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator

from llmo_auth.settings import ServiceSettings
from llmo_core.settings import Settings
from llmo_messaging.settings import ConsumerSettings


def _named(given: object) -> object:
    return None if given == "" else given


class LinkSettings(Settings):
    """Where links of messages lead.

    Attributes:
        public_url: Where this API is.
        app_url: Where people's pages are; empty where they are at `public_url`.
        default_locale: What messages are written in for who has not chosen: `en`, `de` or `fr`.
    """

    public_url: str
    app_url: str = ""
    default_locale: str = "en"

    @property
    def links_to(self) -> str:
        """Below which address paths of messages are."""
        return (self.app_url or self.public_url).rstrip("/")


class NotificationSettings(ServiceSettings, LinkSettings):
    """The database as `llmo_notification`, the pepper of API keys, the event bus, and where links lead."""


class ContactSettings(Settings):
    """How notifications are pushed.

    Attributes:
        vapid_public_key: What browsers subscribe with (RFC 8292), as base64url; empty where nothing is pushed to them.
        allow_private_push_services: Whether push services may be in private networks and without TLS.
    """

    vapid_public_key: str = ""
    allow_private_push_services: bool = False


class ApiSettings(NotificationSettings, ContactSettings):
    """What the API is told.

    Attributes:
        operator_org_id: Who operates the deployment, and may write to people without an account.
        sms_countries: Where text messages are sent to: codes of ISO 3166-1, separated by commas.
    """

    operator_org_id: Annotated[UUID | None, BeforeValidator(_named)]
    sms_countries: str

    @property
    def countries(self) -> Sequence[str]:
        """The codes, each for itself."""
        return [code.strip().upper() for code in self.sms_countries.split(",") if code.strip()]


class WorkerSettings(NotificationSettings, ConsumerSettings):
    """The same, and what every consumer is told."""


class RedisSettings(Settings):
    """Where Redis is."""

    redis_url_secret: str


class PlannerSettings(WorkerSettings, RedisSettings):
    """What the planner is told: inboxes are shown live through Redis."""
