"""Taking events in."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from analytics.data_retention.models import Retention
from analytics.erasures.models import Kind, Person
from analytics.erasures.ports import Erasures
from analytics.tracking.clocks import happened_at
from analytics.tracking.models import (
    GivenEvent,
    InTheFuture,
    Origin,
    Outcome,
    PersonErased,
    Refused,
    Result,
    SchemaViolated,
    Sender,
    TooLate,
    TrackedEvent,
    actor_of,
    key_of,
)
from analytics.tracking.ports import Events, Keeping, Rates, Schema, Schemas
from analytics.tracking.properties import canonical, pairs
from llmo_core.clock import Clock
from llmo_core.errors import Invalid

type Refusal = TooLate | InTheFuture | SchemaViolated | PersonErased

_FIELDS: Final[Mapping[type[Invalid], str]] = {SchemaViolated: "/properties", PersonErased: ""}
_MOST_VIOLATIONS: Final = 5


class TrackingService:
    """Keeps what senders report, each event once."""

    def __init__(
        self,
        *,
        events: Events,
        schemas: Schemas,
        keeping: Keeping,
        erasures: Erasures,
        rates: Rates,
        clock: Clock,
    ) -> None:
        self._events = events
        self._erasures = erasures
        self._schemas = schemas
        self._keeping = keeping
        self._rates = rates
        self._clock = clock

    async def track(self, sender: Sender, given: Sequence[GivenEvent]) -> Sequence[Result]:
        """Keep events; what became of each, in their order.

        Safe to repeat: what is kept already is a duplicate, whatever else it says. An event that is invalid keeps no
        other from being kept. Raises TooManyEvents, and keeps none then; StoreUnavailable: some may be kept.
        """
        await self._admit(sender, len(given))
        judged = await self._judged(sender, given)
        stored = iter(await self._keep(sender.org_id, [each for each in judged if isinstance(each, TrackedEvent)]))
        told = zip(given, judged, strict=True)
        return [_told(event, next(stored) if isinstance(each, TrackedEvent) else each) for event, each in told]

    async def track_one(self, sender: Sender, given: GivenEvent) -> Result:
        """Keep an event. Safe to repeat.

        Raises TooLate, InTheFuture, SchemaViolated, PersonErased, TooManyEvents, StoreUnavailable.
        """
        await self._admit(sender, 1)
        [judged] = await self._judged(sender, [given])
        if not isinstance(judged, TrackedEvent):
            raise judged
        [outcome] = await self._keep(sender.org_id, [judged])
        if isinstance(outcome, PersonErased):
            raise outcome
        return _told(given, outcome)

    async def _judged(self, sender: Sender, given: Sequence[GivenEvent]) -> Sequence[TrackedEvent | Refusal]:
        schemas = await self._schemas.newest(sender.org_id, {event.name for event in given})
        retention = await self._keeping.show(sender.org_id)
        received_at = self._clock.now()
        judged: list[TrackedEvent | Refusal] = []
        for event in given:
            try:
                judged.append(_taken(event, sender, schemas, received_at=received_at, retention=retention))
            except (TooLate, InTheFuture, SchemaViolated) as refusal:
                judged.append(refusal)
        return judged

    async def _admit(self, sender: Sender, events: int) -> None:
        """Count what comes from web pages: whoever reads a page has its key. Raises TooManyEvents."""
        if sender.origin is Origin.BROWSER and events:
            await self._rates.take(sender.actor_id, events)

    async def _keep(self, org_id: UUID, taken: Sequence[TrackedEvent]) -> Sequence[Outcome | PersonErased]:
        if not taken:
            return ()
        duplicates = await self._events.add(taken)
        erased = await self._without_erased(org_id, taken)
        await self._end_as_chosen(org_id, [event for event in taken if event.id not in erased])
        return [
            PersonErased() if event.id in erased else Outcome.DUPLICATE if place in duplicates else Outcome.ACCEPTED
            for place, event in enumerate(taken)
        ]

    async def _without_erased(self, org_id: UUID, kept: Sequence[TrackedEvent]) -> Collection[UUID]:
        """Delete what is kept of people who were erased, also while it was being kept."""
        erased = await self._erasures.among(org_id, {person for event in kept for person in _people(event)})
        gone = frozenset(event.id for event in kept if not _people(event).isdisjoint(erased))
        for person in erased:  # an id may have been taken before by an event that names somebody else
            await self._events.delete(org_id, person, gone)
        return gone

    async def _end_as_chosen(self, org_id: UUID, kept: Sequence[TrackedEvent]) -> None:
        """Have events end as the retention has it that was chosen while they were being kept."""
        retention = await self._keeping.show(org_id)
        expiries: defaultdict[datetime, list[UUID]] = defaultdict(list)
        for event in kept:
            ends = retention.expiry(event.timestamp)
            if ends != event.expires_at:
                expiries[ends].append(event.id)
        if expiries:
            await self._events.end(org_id, expiries)


def _taken(
    given: GivenEvent, sender: Sender, schemas: Mapping[str, Schema], *, received_at: datetime, retention: Retention
) -> TrackedEvent:
    """The event as it is kept. Raises TooLate, InTheFuture, SchemaViolated."""
    timestamp, skew_ms = happened_at(given.timestamp, given.sent_at, received_at=received_at)
    schema = schemas.get(given.name)
    return TrackedEvent(
        id=key_of(sender, given.id),
        org_id=sender.org_id,
        project_id=sender.project_id,
        key_id=sender.actor_id,
        origin=sender.origin,
        event_id=given.id,
        name=given.name,
        user_id=given.user_id,
        anonymous_id=given.anonymous_id,
        session_id=given.session_id,
        actor=actor_of(given.user_id, given.anonymous_id),
        timestamp=timestamp,
        received_at=received_at,
        skew_ms=skew_ms,
        properties=canonical(given.properties),
        pairs=pairs(given.properties),
        schema_version=schema.version if schema is not None else None,
        violations=_violations(given, schema, sender),
        expires_at=retention.expiry(timestamp),
    )


def _violations(given: GivenEvent, schema: Schema | None, sender: Sender) -> tuple[str, ...]:
    """What is noted of properties that do not fit. Raises SchemaViolated where they have to.

    A web page is told where, and not what would fit: that may be a secret of the schema's.
    """
    if schema is None:
        return ()
    found = [f"{pointer or '/'}: {wrong}" for pointer, wrong in schema.violations(given.properties)]
    if found and schema.enforced:
        told = found if sender.origin is Origin.SERVER else [each.partition(":")[0] for each in found]
        raise SchemaViolated(f"Version {schema.version} of the schema: {'; '.join(told[:_MOST_VIOLATIONS])}")
    return tuple(found[:_MOST_VIOLATIONS])


def _people(event: TrackedEvent) -> frozenset[Person]:
    ids = ((Kind.USER, event.user_id), (Kind.ANONYMOUS, event.anonymous_id))
    return frozenset(Person(kind, each) for kind, each in ids if each is not None)


def _told(given: GivenEvent, became: Outcome | Refusal) -> Result:
    if isinstance(became, Outcome):
        return Result(id=given.id, status=became)
    field = _FIELDS.get(type(became), "/timestamp")
    refused = Refused(reason=became.code, field=field, detail=became.detail)
    return Result(id=given.id, status=Outcome.INVALID, refused=refused)
