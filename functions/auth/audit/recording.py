"""What is announced is recorded: no use case can change something and forget the audit log."""

from contextvars import ContextVar
from typing import Protocol
from uuid import UUID

from auth.audit.models import Acting, AuditEntry
from llmo_auth.principal import ActorType
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events
from llmo_messaging.envelope import Event

_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)

# Whoever does these has just proved to be the person whom they are about.
_BY_THE_PERSON = frozenset({"session.started", "password.changed", "user.registered", "identity.linked"})


def act(acting: Acting) -> None:
    """Say who makes the request that the task is about to carry out."""
    _acting.set(acting)


class AuditLog(Protocol):
    """Where entries are kept."""

    async def add(self, entry: AuditEntry) -> None:
        """Keep an entry in the transaction under way."""
        ...


class AuditedEvents:
    """Announces events, and records them in the same transaction.

    Args:
        events: Where they are announced.
        log: Where they are recorded.
    """

    def __init__(self, *, events: Events, log: AuditLog, clock: Clock, new_id: NewId) -> None:
        self._events = events
        self._log = log
        self._clock = clock
        self._new_id = new_id

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Announce an event, and record it unless it is about nobody who could read of it.

        What is kept of its data leaves out the fields that are not shown in its text (`repr=False`): secrets.
        """
        await self._events.announce(event, org_id=org_id, aggregate_id=aggregate_id)
        subject_id = getattr(event, "user_id", None)
        if org_id is None and subject_id is None:
            return
        acting = _acting.get() or Acting()
        action = event.event_type.removeprefix("llmo.auth.")
        by_application = getattr(event, "client_id", None) is not None
        if acting.actor_id is None and action in _BY_THE_PERSON and not by_application:
            acting = acting.model_copy(update={"actor_type": ActorType.USER, "actor_id": subject_id})
        entry = AuditEntry(
            id=self._new_id(),
            org_id=org_id,
            subject_id=subject_id,
            occurred_at=self._clock.now(),
            actor_type=acting.actor_type or "anonymous",
            actor_id=acting.actor_id,
            client_id=acting.client_id,
            action=action,
            target_id=aggregate_id,
            details=event.model_dump(mode="json", exclude=_secrets(event)),
            ip=acting.origin.ip,
            user_agent=acting.origin.user_agent,
        )
        await self._log.add(entry)


def _secrets(event: Event) -> set[str]:
    return {name for name, field in type(event).model_fields.items() if not field.repr}
