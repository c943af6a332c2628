"""The use case of reminders with its adapters, made once per process at the first use."""

from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id
from llmo_core.settings import DatabaseSettings
from llmo_data.postgres import Database
from notification.planning.repository import PostgresNotifications
from notification.reminders.repository import PostgresExpiringKeys
from notification.reminders.service import KeyReminders

_parts = Composition()
once, close = _parts.once, _parts.close


@once
def key_reminders() -> KeyReminders:
    """The use case of keys that expire."""
    database = _parts.closing(Database(DatabaseSettings.model_validate({}).conninfo()), Database.close)
    return KeyReminders(
        keys=PostgresExpiringKeys(database),
        reminders=PostgresNotifications(database),
        transaction=database.transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
