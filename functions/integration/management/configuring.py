"""What one can do with the things that an organization sets up, of whatever kind."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from integration.management.models import Configured
from integration.management.ports import Change, Kept
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.errors import NotFound
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_core.paging import Page
from llmo_data.ports import Events
from llmo_messaging.envelope import Event


def as_given(_before: object, given: Model) -> Mapping[str, Any]:
    """The fields that somebody gave."""
    return given.model_dump(include=given.model_fields_set)


@dataclass(frozen=True, slots=True)
class Kind[T: Configured]:
    """What is particular about things of one kind.

    Attributes:
        model: What they are.
        unknown: Raised for an id that none of them has.
        created: Tells of a new one.
        changed: Tells of another version of one: which fields changed, and who changed them.
        removed: Tells of one that is gone, and who removed it.
        check: Raises a refusal for one that makes no sense.
        values: The fields as they are kept, of one (None: a new one) and of what was given.
    """

    model: type[T]
    unknown: type[NotFound]
    created: Callable[[T], Event]
    changed: Callable[[T, Sequence[str], UUID], Event]
    removed: Callable[[T, UUID], Event]
    check: Callable[[T], None]
    values: Callable[[T | None, Model], Mapping[str, Any]] = as_given


class Guard[T: Configured]:
    """What must be true of other things, in the same change: here nothing."""

    async def adding(self, thing: T) -> None:
        """Raise a refusal unless one may be added."""

    async def changing(self, before: T, after: T) -> None:
        """Raise a refusal unless one may become another."""

    async def removing(self, thing: T) -> None:
        """Raise a refusal unless one may be removed."""


class Configuring[T: Configured]:
    """Sets up, shows, changes and removes things of one kind."""

    def __init__(
        self,
        kind: Kind[T],
        *,
        kept: Kept[T],
        events: Events,
        change: Change,
        clock: Clock,
        new_id: NewId,
        guard: Guard[T] | None = None,
    ) -> None:
        self._kind = kind
        self._guard = guard or Guard[T]()
        self._kept = kept
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[T]:
        """Those of the caller's organization, the newest first."""
        return Page.of(await self._kept.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, thing_id: UUID) -> T:
        """One of the caller's organization. Raises the kind's `unknown`."""
        found = await self._kept.find(principal.org_id, thing_id)
        if found is None:
            raise self._kind.unknown
        return found

    async def create(self, principal: Principal, new: Model) -> T:
        """Set one up, of the kind's own fields. Not safe to retry: there would be two.

        Raises what the kind and the guard raise.
        """
        now = self._clock.now()
        thing = self._kind.model(
            **self._kind.values(None, new),
            id=self._new_id(),
            org_id=principal.org_id,
            created_by=principal.actor_id,
            created_at=now,
            updated_at=now,
        )
        self._kind.check(thing)
        async with self._change(principal.org_id):
            await self._guard.adding(thing)
            await self._kept.add(thing)
            await self._events.announce(self._kind.created(thing), org_id=thing.org_id, aggregate_id=thing.id)
        return thing

    async def change(
        self, principal: Principal, thing_id: UUID, changes: Model, *, expected: Collection[int] | None
    ) -> T:
        """Change the fields that are set in `changes`, if it has one of the expected versions.

        Raises the kind's `unknown`, ChangedMeanwhile, and what the kind and the guard raise.
        """
        fields = changes.model_fields_set
        async with self._change(principal.org_id):
            before = await self.find(principal, thing_id)
            before.require_version(expected)
            if not fields:
                return before
            after = before.changed(self._clock.now(), **self._kind.values(before, changes))
            self._kind.check(after)
            await self._guard.changing(before, after)
            await self._kept.change(after)
            changed = self._kind.changed(after, sorted(fields), principal.actor_id)
            await self._events.announce(changed, org_id=after.org_id, aggregate_id=thing_id)
        return after

    async def remove(self, principal: Principal, thing_id: UUID) -> None:
        """Remove one. Raises the kind's `unknown`, and what the guard raises."""
        async with self._change(principal.org_id):
            thing = await self.find(principal, thing_id)
            await self._guard.removing(thing)
            await self._kept.remove(thing, at=self._clock.now())
            removed = self._kind.removed(thing, principal.actor_id)
            await self._events.announce(removed, org_id=thing.org_id, aggregate_id=thing_id)
