"""The use case of leaving with its adapters."""

from notification import wiring as shared
from notification.contacts.repository import PostgresDevices, PostgresPhones
from notification.inbox.repository import PostgresInbox
from notification.leaving.service import Leaving
from notification.preferences.repository import PostgresPreferences
from notification.topics.repository import PostgresTopics


def leaving() -> Leaving:
    """What forgets people who have left."""
    database = shared.database()
    return Leaving(
        preferences=PostgresPreferences(database),
        phones=PostgresPhones(database),
        devices=PostgresDevices(database),
        inbox=PostgresInbox(database),
        topics=PostgresTopics(database),
        transaction=database.transaction,
    )
