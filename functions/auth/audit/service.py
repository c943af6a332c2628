"""Reading the audit log."""

from typing import Protocol
from uuid import UUID

from auth.audit.models import AuditFilter, AuditPage
from llmo_auth.principal import Person, Principal


class AuditEntries(Protocol):
    """What was recorded."""

    async def of_organization(self, org_id: UUID, wanted: AuditFilter, *, before: UUID | None, limit: int) -> AuditPage:
        """At most `limit` entries of an organization, the newest first, that are older than the entry `before`."""
        ...

    async def of_person(self, user_id: UUID, *, before: UUID | None, limit: int) -> AuditPage:
        """The same of a person, whatever organization they were in."""
        ...


class AuditService:
    """Shows what was recorded: to an organization what happened in it, to a person what is about them."""

    def __init__(self, entries: AuditEntries) -> None:
        self._entries = entries

    async def page(self, principal: Principal, wanted: AuditFilter, *, before: UUID | None, limit: int) -> AuditPage:
        """Entries of the caller's organization, the newest first."""
        return await self._entries.of_organization(principal.org_id, wanted, before=before, limit=limit)

    async def activity(self, person: Person, *, before: UUID | None, limit: int) -> AuditPage:
        """Entries about a person, the newest first."""
        return await self._entries.of_person(person.user_id, before=before, limit=limit)
