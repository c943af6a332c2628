"""The inbox: which events a consumer has dealt with, kept in the transaction of their effect.

Events arrive at least once. A consumer that notes an event's id in the same transaction as the event's effect has the
effect exactly once, however often it is delivered and whenever its process dies. The relay forgets events of which no
queue can hold a message any more.
Source of the pattern: https://microservices.io/patterns/communication-style/idempotent-consumer.html
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import sql

from llmo_data.postgres import Connection
from llmo_messaging.envelope import Envelope

# Sorted, so that two deliveries of the same events wait for each other and never both for one another.
_NOTE = """
    INSERT INTO {inbox} (consumer, event_id, org_id, received_at)
    SELECT %(consumer)s, event.id, event.org_id, %(now)s
    FROM unnest(%(ids)s::uuid[], %(orgs)s::uuid[]) AS event (id, org_id)
    ORDER BY event.id
    ON CONFLICT (consumer, event_id) DO NOTHING
    RETURNING event_id
    """


class Inbox:
    """The events that one consumer has dealt with.

    Args:
        schema: The service's schema, which has a table `inbox`.
        consumer: The consumer's name; each consumer of a schema has an inbox of its own.
    """

    def __init__(self, *, schema: str, consumer: str) -> None:
        self._consumer = consumer
        self._inbox = sql.Identifier(schema, "inbox")

    async def admit(
        self, connection: Connection, envelopes: Sequence[Envelope], *, now: datetime
    ) -> Sequence[Envelope]:
        """Those events that were never dealt with, each once, in their order; they are noted as dealt with.

        The caller brings about their effect in the same transaction: both are committed, or neither is. A second
        delivery that arrives in between waits here until the first one's transaction ends.
        """
        first: dict[UUID, Envelope] = {}
        for envelope in envelopes:
            first.setdefault(envelope.id, envelope)
        noted = await connection.execute(
            sql.SQL(_NOTE).format(inbox=self._inbox),
            {
                "consumer": self._consumer,
                "ids": list(first),
                "orgs": [envelope.orgid for envelope in first.values()],
                "now": now,
            },
        )
        new: set[UUID] = {row["event_id"] for row in await noted.fetchall()}
        return [envelope for envelope in first.values() if envelope.id in new]
