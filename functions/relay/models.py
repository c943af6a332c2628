"""What the relay works on and what it reports."""

from datetime import timedelta

from llmo_core.model import Model


class Pass(Model):
    """One pass over an outbox: how many events were published, and how many aggregates could not go on."""

    published: int
    failed: int


class Waiting(Model):
    """What an outbox holds: how many events, and for how long the oldest of them."""

    events: int
    age: timedelta


class Run(Model):
    """What one run of the relay did and what it left.

    Attributes:
        published: Events that the bus took.
        forgotten: Notes in inboxes, and requests with an `Idempotency-Key`, that were old enough to delete.
        unread: Schemas whose outbox could not be read or published from at all.
        backlog: Events that are still waiting.
        oldest: For how long the oldest of those waits.
    """

    published: int
    forgotten: int
    unread: int
    backlog: int
    oldest: timedelta
