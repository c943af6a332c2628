"""Subscriptions in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.errors import UniqueViolation

from billing.pricing.plans import PlanVersion
from billing.subscriptions.dates import turns_at
from billing.subscriptions.errors import AlreadySubscribed
from billing.subscriptions.models import PendingChange, Phase, Subscription, Terms
from billing.subscriptions.ports import Turning
from llmo_data.inbox import Inbox
from llmo_data.postgres import Connection, Database, every, insert, one
from llmo_messaging.envelope import Envelope

_SUBSCRIPTIONS: Final = """
    SELECT subscription.*, pending.definition AS pending_definition
    FROM billing.subscriptions AS subscription
    LEFT JOIN billing.plan_versions AS pending
        ON pending.plan_id = subscription.pending_plan_id AND pending.number = subscription.pending_version
    """
PAGE: Final = (
    _SUBSCRIPTIONS
    + """
    WHERE %(before)s::uuid IS NULL OR subscription.id < %(before)s::uuid
    ORDER BY subscription.id DESC
    LIMIT %(limit)s
    """
)
ONE: Final = _SUBSCRIPTIONS + "WHERE subscription.id = %(id)s"
# What started last; the live one comes first also where clocks of two processes differ.
NEWEST: Final = _SUBSCRIPTIONS + "ORDER BY subscription.ended_at IS NULL DESC, subscription.id DESC LIMIT 1"
# A statement of its own: in the one that waits for the lock, the join would still see what was there before.
LOCK: Final = "SELECT id FROM billing.subscriptions WHERE id = %(id)s FOR UPDATE"
LOCK_FREE: Final = LOCK + " SKIP LOCKED"
PHASES: Final = """
    SELECT phase.*, version.definition
    FROM billing.subscription_phases AS phase
    JOIN billing.plan_versions AS version ON version.plan_id = phase.plan_id AND version.number = phase.version
    WHERE phase.subscription_id = ANY(%(ids)s)
    ORDER BY phase.subscription_id, phase.number
    """
CHANGE: Final = """
    UPDATE billing.subscriptions
    SET pending_plan_id = %(pending_plan_id)s, pending_version = %(pending_version)s,
        pending_seats = %(pending_seats)s, pending_on = %(pending_on)s, cancel_on = %(cancel_on)s,
        cancel_reason = %(cancel_reason)s, pause_on = %(pause_on)s, ended_on = %(ended_on)s, ended_at = %(ended_at)s,
        as_of = %(as_of)s, turns_at = %(turns_at)s, revision = %(revision)s
    WHERE id = %(id)s
    """
END_PHASE: Final = """
    UPDATE billing.subscription_phases SET until_on = %(until_on)s, ends_at = %(ends_at)s
    WHERE subscription_id = %(subscription_id)s AND number = %(number)s
    """
DUE: Final = """
    SELECT org_id, id FROM billing.turning_subscriptions
    WHERE turns_at <= %(now)s AND id <> ALL(%(besides)s)
    ORDER BY turns_at, id LIMIT %(limit)s
    """


class PostgresSubscriptions:
    """The subscriptions of an organization, with their phases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Subscription]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        async with self._database.joined(org_id) as connection:
            return await _all(connection, await every(connection, PAGE, before=before, limit=limit))

    async def find(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The one with this id."""
        async with self._database.joined(org_id) as connection:
            return await _only(connection, await one(connection, ONE, id=subscription_id))

    async def locked(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The same, which nobody else changes before the end of the transaction under way."""
        async with self._database.joined(org_id) as connection:
            await one(connection, LOCK, id=subscription_id)
            return await _only(connection, await one(connection, ONE, id=subscription_id))

    async def newest(self, org_id: UUID) -> Subscription | None:
        """The one that started last, which is the live one if there is any."""
        async with self._database.joined(org_id) as connection:
            return await _only(connection, await one(connection, NEWEST))

    async def add(self, subscription: Subscription) -> None:
        """Keep a new one. Raises AlreadySubscribed."""
        try:
            async with self._database.transaction(subscription.org_id) as connection:
                made = subscription.model_dump(
                    include={"org_id", "time_zone", "starts_on", "trial_days", "created_by", "created_at"}
                )
                await connection.execute(*insert("billing.subscriptions", made | _facts(subscription)))
                for phase in subscription.phases:
                    await connection.execute(*insert("billing.subscription_phases", _phase_row(subscription, phase)))
        except UniqueViolation as error:
            live = await self.newest(subscription.org_id)
            raise AlreadySubscribed(live.id if live is not None else subscription.id) from error

    async def change(self, before: Subscription, after: Subscription) -> None:
        """Keep what has changed of one: the facts, the ends of phases, and the phases that are new."""
        known = {phase.number: phase for phase in before.phases}
        async with self._database.transaction(after.org_id) as connection:
            await connection.execute(CHANGE, _facts(after))
            for phase in after.phases:
                row = _phase_row(after, phase)
                if phase.number not in known:
                    await connection.execute(*insert("billing.subscription_phases", row))
                elif phase != known[phase.number]:
                    await connection.execute(END_PHASE, row)


class PostgresTurns:
    """Which subscriptions dates have brought something to."""

    def __init__(self, database: Database, subscriptions: PostgresSubscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions

    async def due(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Turning]:
        """At most `limit` of them, of all organizations, those first that have waited for the longest time."""
        async with self._database.transaction() as connection:
            rows = await every(connection, DUE, now=now, besides=[*besides], limit=limit)
        return [Turning(row["org_id"], row["id"]) for row in rows]

    @asynccontextmanager
    async def free(self, turning: Turning) -> AsyncIterator[Subscription | None]:
        """A transaction of the subscription's organization that alone may change it; None when another one may."""
        async with self._database.joined(turning.org_id) as connection:
            if await one(connection, LOCK_FREE, id=turning.subscription_id) is None:
                yield None
            else:
                yield await self._subscriptions.find(turning.org_id, turning.subscription_id)


class PostgresArrivals:
    """Where events of other services arrive."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def new(self, org_id: UUID, events: Sequence[Envelope], *, now: datetime) -> Sequence[Envelope]:
        """Those that never arrived before; in the transaction under way they are noted as dealt with."""
        async with self._database.joined(org_id) as connection:
            return await self._inbox.admit(connection, events, now=now)


async def _only(connection: Connection, row: Mapping[str, Any] | None) -> Subscription | None:
    return (await _all(connection, [row]))[0] if row is not None else None


async def _all(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Subscription]:
    phases: defaultdict[UUID, list[Phase]] = defaultdict(list)
    for row in await every(connection, PHASES, ids=[row["id"] for row in rows]):
        phases[row["subscription_id"]].append(_phase(row))
    return [_subscription(row, phases[row["id"]]) for row in rows]


def _facts(subscription: Subscription) -> dict[str, Any]:
    pending = subscription.pending
    return {
        **subscription.model_dump(
            include={"id", "cancel_on", "cancel_reason", "pause_on", "ended_on", "ended_at", "as_of", "revision"}
        ),
        "pending_plan_id": pending.terms.plan_id if pending is not None else None,
        "pending_version": pending.terms.version if pending is not None else None,
        "pending_seats": pending.terms.seats if pending is not None else None,
        "pending_on": pending.takes_effect_on if pending is not None else None,
        "turns_at": turns_at(subscription),
    }


def _phase_row(subscription: Subscription, phase: Phase) -> dict[str, Any]:
    return {
        **phase.model_dump(exclude={"terms"}),
        **phase.terms.model_dump(exclude={"definition"}),
        "org_id": subscription.org_id,
        "subscription_id": subscription.id,
    }


def _terms(row: Mapping[str, Any], prefix: str = "") -> Terms:
    return Terms(
        plan_id=row[f"{prefix}plan_id"],
        version=row[f"{prefix}version"],
        definition=PlanVersion.model_validate(row[f"{prefix}definition"]),
        seats=row[f"{prefix}seats"],
    )


def _phase(row: Mapping[str, Any]) -> Phase:
    return Phase(terms=_terms(row), **{name: row[name] for name in Phase.model_fields if name != "terms"})


def _subscription(row: Mapping[str, Any], phases: Sequence[Phase]) -> Subscription:
    pending = None
    if row["pending_on"] is not None:
        pending = PendingChange(terms=_terms(row, "pending_"), takes_effect_on=row["pending_on"])
    kept = {name: row[name] for name in Subscription.model_fields if name not in {"phases", "pending"}}
    return Subscription(**kept, phases=tuple(phases), pending=pending)
