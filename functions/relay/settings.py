"""What the relay is told by its environment."""

from llmo_core.settings import DatabaseSettings


class RelaySettings(DatabaseSettings):
    """The database as `llmo_relay`, and the event bus."""

    event_bus_name: str
