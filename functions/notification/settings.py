"""What the functions of notification are told by their environment."""

from llmo_auth.settings import ServiceSettings


class NotificationSettings(ServiceSettings):
    """The database as `llmo_notification`, the pepper of API keys, the event bus, and where all this is.

    Attributes:
        public_url: Where people reach the API, without a slash at its end.
    """

    public_url: str
