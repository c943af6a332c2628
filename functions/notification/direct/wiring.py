"""Direct messages with their adapters."""

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from notification import wiring as shared
from notification.contacts.repository import PostgresContacts
from notification.direct.service import DirectMessages
from notification.inbox.repository import PostgresInbox
from notification.planning.message_repository import PostgresMessages
from notification.planning.people import PostgresPeople
from notification.planning.repository import PostgresNotifications
from notification.preferences.repository import PostgresPreferences
from notification.topics.repository import PostgresTopics


def direct_messages() -> DirectMessages:
    """The use case of direct messages."""
    database = shared.database()
    return DirectMessages(
        notifications=PostgresNotifications(database),
        messages=PostgresMessages(database),
        filling=PostgresInbox(database),
        people=PostgresPeople(database, PostgresTopics(database)),
        contacts=PostgresContacts(database),
        chosen=PostgresPreferences(database),
        events=shared.events(),
        transaction=database.transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
