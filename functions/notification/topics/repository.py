"""Topics in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from llmo_core.fields import Moment
from llmo_data.postgres import Database, every, insert, one
from notification.topics.models import OfferedTopic, Subscriber, Topic, TopicExists, UnknownTopic

PAGE: Final = """
    SELECT * FROM notification.topics
    WHERE org_id = %(org_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC LIMIT %(limit)s
    """
OFFERED: Final = """
    SELECT topic.*, subscriber.user_id IS NOT NULL AS subscribed
    FROM notification.topics AS topic
    LEFT JOIN notification.topic_subscribers AS subscriber
        ON subscriber.org_id = topic.org_id AND subscriber.code = topic.code AND subscriber.user_id = %(user_id)s
    WHERE topic.org_id = %(org_id)s AND (%(before)s::uuid IS NULL OR topic.id < %(before)s::uuid)
    ORDER BY topic.id DESC LIMIT %(limit)s
    """
IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('notification.topics ' || %(org_id)s::text, 0))"
COUNT: Final = "SELECT count(*) AS topics FROM notification.topics WHERE org_id = %(org_id)s"
ONE: Final = "SELECT code FROM notification.topics WHERE org_id = %(org_id)s AND code = %(code)s"
REMOVE: Final = "DELETE FROM notification.topics WHERE org_id = %(org_id)s AND code = %(code)s RETURNING code"
SUBSCRIBE: Final = """
    INSERT INTO notification.topic_subscribers (org_id, code, user_id, created_at)
    VALUES (%(org_id)s, %(code)s, %(user_id)s, %(at)s)
    ON CONFLICT (org_id, code, user_id) DO NOTHING
    """
UNSUBSCRIBE: Final = """
    DELETE FROM notification.topic_subscribers
    WHERE org_id = %(org_id)s AND code = %(code)s AND user_id = %(user_id)s
    """
SUBSCRIBERS: Final = """
    SELECT subscriber.user_id AS id, subscriber.created_at
    FROM notification.topic_subscribers AS subscriber
    WHERE subscriber.org_id = %(org_id)s AND subscriber.code = %(code)s
        AND (%(after)s::uuid IS NULL OR subscriber.user_id > %(after)s::uuid)
        AND EXISTS (
            SELECT FROM auth.admission_people AS person
            WHERE person.org_id = subscriber.org_id AND person.user_id = subscriber.user_id
        )
    ORDER BY subscriber.user_id LIMIT %(limit)s
    """
MEMBER: Final = """
    SELECT user_id FROM auth.admission_people WHERE org_id = %(org_id)s AND user_id = %(user_id)s
    """
LEFT: Final = "DELETE FROM notification.topic_subscribers WHERE org_id = %(org_id)s AND user_id = %(user_id)s"


class PostgresTopics:
    """Topics, and who is told of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Topic]:
        """At most `limit` of an organization's, the newest first, that are older than the one with this id."""
        async with self._database.transaction(org_id) as connection:
            return [Topic(**row) for row in await every(connection, PAGE, org_id=org_id, before=before, limit=limit)]

    async def offered(self, org_id: UUID, user_id: UUID, *, before: UUID | None, limit: int) -> Sequence[OfferedTopic]:
        """The same, as a member sees them."""
        parameters = {"org_id": org_id, "user_id": user_id, "before": before, "limit": limit}
        async with self._database.transaction(org_id) as connection:
            return [OfferedTopic(**row) for row in await every(connection, OFFERED, **parameters)]

    async def count(self, org_id: UUID) -> int:
        """How many an organization has; nobody else adds one before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(IN_TURN, {"org_id": org_id})
            row = await one(connection, COUNT, org_id=org_id)
        return int(row["topics"]) if row is not None else 0

    async def add(self, topic: Topic) -> None:
        """Keep a new one. Raises TopicExists."""
        try:
            async with self._database.transaction(topic.org_id) as connection:
                await connection.execute(*insert("notification.topics", dict(topic)))
        except UniqueViolation as error:
            raise TopicExists from error

    async def remove(self, org_id: UUID, code: str) -> bool:
        """Remove one with its subscribers; whether there was one."""
        async with self._database.transaction(org_id) as connection:
            return await one(connection, REMOVE, org_id=org_id, code=code) is not None

    async def exists(self, org_id: UUID, code: str) -> bool:
        """Whether there is one with this code."""
        async with self._database.transaction(org_id) as connection:
            return await one(connection, ONE, org_id=org_id, code=code) is not None

    async def subscribe(self, org_id: UUID, code: str, user_id: UUID, *, at: Moment) -> None:
        """Have somebody told of it. Safe to repeat. Raises UnknownTopic."""
        subscriber = {"org_id": org_id, "code": code, "user_id": user_id, "at": at}
        try:
            async with self._database.transaction(org_id) as connection:
                await connection.execute(SUBSCRIBE, subscriber)
        except ForeignKeyViolation as error:
            raise UnknownTopic from error

    async def unsubscribe(self, org_id: UUID, code: str, user_id: UUID) -> None:
        """Have somebody told no more. Safe to repeat."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(UNSUBSCRIBE, {"org_id": org_id, "code": code, "user_id": user_id})

    async def told(self, org_id: UUID, code: str, *, after: UUID | None, limit: int) -> Sequence[Subscriber]:
        """At most `limit` of those members who are told of it, by their ids, after the one with this id.

        Former members are none.
        """
        parameters = {"org_id": org_id, "code": code, "after": after, "limit": limit}
        async with self._database.transaction(org_id) as connection:
            return [Subscriber(**row) for row in await every(connection, SUBSCRIBERS, **parameters)]

    async def subscribers(self, org_id: UUID, code: str, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Their ids; the planner of messages asks this chunk by chunk."""
        return [each.id for each in await self.told(org_id, code, after=after, limit=limit)]

    async def is_member(self, org_id: UUID, user_id: UUID) -> bool:
        """Whether somebody is a member of an organization."""
        async with self._database.transaction(org_id) as connection:
            return await one(connection, MEMBER, org_id=org_id, user_id=user_id) is not None

    async def forget_member(self, org_id: UUID, user_id: UUID) -> None:
        """Delete the subscriptions of somebody who is no member any more."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(LEFT, {"org_id": org_id, "user_id": user_id})
