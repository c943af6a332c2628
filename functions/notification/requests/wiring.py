"""The use cases of requests with their adapters."""

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from notification import wiring as shared
from notification.inbox.repository import PostgresInbox
from notification.planning.people import PostgresPeople
from notification.requests.log import DeliveryLog
from notification.requests.repository import PostgresRequested, PostgresSentMessages
from notification.requests.service import RequestService
from notification.topics.repository import PostgresTopics


async def request_service() -> RequestService:
    """The use case of notifications that are asked for."""
    settings = shared.api_settings()
    return RequestService(
        requested=PostgresRequested(shared.database()),
        members=PostgresPeople(shared.database(), PostgresTopics(shared.database())),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
        operator_id=settings.operator_org_id,
        sms_countries=settings.countries,
    )


async def delivery_log() -> DeliveryLog:
    """What became of messages."""
    return DeliveryLog(
        messages=PostgresSentMessages(shared.database()),
        inboxes=PostgresInbox(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
