"""Who has an account, and who is in which organization, by auth's view. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from llmo_auth.principal import PERMISSIONS_OF
from llmo_data.postgres import Database, every
from notification.kinds.models import Audience
from notification.models import Person
from notification.planning.ports import Members, Subscribers

NAMED: Final = """
    SELECT DISTINCT ON (user_id) * FROM auth.admission_people
    WHERE user_id = ANY(%(ids)s) AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s::uuid)
    ORDER BY user_id
    """
MEMBERS: Final = """
    SELECT * FROM auth.admission_people
    WHERE org_id = %(org_id)s AND (%(after)s::uuid IS NULL OR user_id > %(after)s::uuid)
        AND (role = ANY(%(roles)s) OR %(permission)s::text = ANY(permissions))
    ORDER BY user_id LIMIT %(limit)s
    """
GONE: Final = """
    SELECT asked.id FROM unnest(%(ids)s::uuid[]) AS asked (id)
    WHERE NOT EXISTS (
        SELECT FROM auth.admission_people
        WHERE user_id = asked.id AND (NOT %(members)s OR org_id = %(org_id)s::uuid)
    ) AND NOT (%(members)s AND EXISTS (
        SELECT FROM auth.admission_last_owners WHERE user_id = asked.id AND org_id = %(org_id)s::uuid
    ))
    """
LAST_OWNERS: Final = (
    "SELECT * FROM auth.admission_last_owners WHERE org_id = %(org_id)s ORDER BY user_id LIMIT %(limit)s"
)


class PostgresPeople:
    """People and members."""

    def __init__(self, database: Database, subscribers: Subscribers) -> None:
        self._database = database
        self._subscribers = subscribers

    async def named(self, user_ids: Sequence[UUID], *, org_id: UUID | None) -> Mapping[UUID, Person]:
        """Those with these ids: of an organization its members, of none anybody."""
        async with self._database.statements() as connection:
            rows = await every(connection, NAMED, ids=[*user_ids], org_id=org_id)
        return {row["user_id"]: _person(row, org_id) for row in rows}

    async def gone(self, user_ids: Sequence[UUID], *, org_id: UUID | None, members: bool) -> Collection[UUID]:
        """Which have no account any more, or are no `members` of the organization; in its transaction.

        Who owned an organization that is closed is one of its members.
        """
        async with self._database.joined(org_id) as connection:
            rows = await every(connection, GONE, ids=[*user_ids], org_id=org_id, members=members)
        return {row["id"] for row in rows}

    async def members(self, org_id: UUID, audience: Audience, *, after: UUID | None, limit: int) -> Members:
        """Members that an audience names by role, permission or topic, in the order of their ids.

        By permission, of an organization that is closed, those who owned it.
        """
        if audience.topic is not None:
            return await self._subscribed(org_id, audience.topic, after=after, limit=limit)
        permission = audience.permission
        roles = [*audience.roles, *(role.value for role, may in PERMISSIONS_OF.items() if permission in may)]
        async with self._database.joined(org_id) as connection:
            rows = await every(
                connection, MEMBERS, org_id=org_id, after=after, roles=roles, permission=permission, limit=limit
            )
            if not rows and permission is not None and after is None:
                owners = await every(connection, LAST_OWNERS, org_id=org_id, limit=limit)
                return Members([Person(**row) for row in owners], None)
        return Members([_person(row, org_id) for row in rows], rows[-1]["user_id"] if len(rows) == limit else None)

    async def _subscribed(self, org_id: UUID, topic: str, *, after: UUID | None, limit: int) -> Members:
        user_ids = await self._subscribers.subscribers(org_id, topic, after=after, limit=limit)
        people = await self.named(user_ids, org_id=org_id)
        found = [people[user_id] for user_id in user_ids if user_id in people]
        return Members(found, user_ids[-1] if len(user_ids) == limit else None)


def _person(row: Mapping[str, Any], org_id: UUID | None) -> Person:
    """The row; of somebody who is told something personal, nothing of an organization."""
    fields = Person.model_fields if org_id is not None else ("user_id", "email", "name")
    return Person(**{name: row[name] for name in fields})
