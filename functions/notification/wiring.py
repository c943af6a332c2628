"""What every area is made of: real adapters, made once per process at the first use.

Each area's own `wiring` puts its use cases together from these.
"""

from llmo_auth.service_composition import ServiceComposition
from llmo_core.settings import DatabaseSettings
from notification.settings import ApiSettings, NotificationSettings

parts = ServiceComposition("notification", NotificationSettings, database_settings=DatabaseSettings)
once, close = parts.once, parts.close
database, events, repeated_requests = parts.database, parts.outbox, parts.repeated_requests


@once
def api_settings() -> ApiSettings:
    """What the API is told by its environment."""
    return ApiSettings.model_validate({})
