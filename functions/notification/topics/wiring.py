"""The use cases of topics with their adapters."""

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from notification import wiring as shared
from notification.topics.repository import PostgresTopics
from notification.topics.service import TopicService


async def topic_service() -> TopicService:
    """The use cases of topics."""
    return TopicService(
        topics=PostgresTopics(shared.database()),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
