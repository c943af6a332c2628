"""Entries of the audit log, and who is acting."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.models import Origin
from llmo_auth.principal import ActorType
from llmo_core.model import Model


class Acting(Model):
    """Who makes the request under way, and from where; nobody has shown valid credentials when `actor_id` is None."""

    actor_type: ActorType | None = None
    actor_id: UUID | None = None
    client_id: UUID | None = None
    origin: Origin = Origin()


class AuditEntry(Model):
    """One fact.

    Attributes:
        org_id: Whose log it belongs to; None for what a person did to their own account.
        subject_id: The person whom it is about, in whose own log it is.
        client_id: The application that acted for the actor.
        action: What was done, such as `member.removed`.
        target_id: To what.
        details: The event's data without its secrets.
    """

    id: UUID
    org_id: UUID | None
    subject_id: UUID | None
    occurred_at: datetime
    actor_type: str
    actor_id: UUID | None
    client_id: UUID | None
    action: str
    target_id: UUID
    details: Mapping[str, Any]
    ip: str | None
    user_agent: str | None


class AuditFilter(Model):
    """Which entries to show; what is None does not limit.

    Attributes:
        action: An action, or the beginning of several: `member` is every `member.*`.
        since: The earliest moment, itself included.
        until: The latest, itself not included.
    """

    action: str | None = None
    actor_id: UUID | None = None
    target_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditPage(Model):
    """Entries, the newest first, and the last one's id when there are older ones."""

    entries: Sequence[AuditEntry]
    last: UUID | None
