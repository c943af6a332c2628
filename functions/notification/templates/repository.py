"""Templates and their versions in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from llmo_data.postgres import Database, every, insert, one
from notification.kinds.models import Channel
from notification.templates.models import Published, Template, Version, Wording

_TEMPLATES: Final = "SELECT * FROM notification.templates WHERE org_id = %(org_id)s AND removed_at IS NULL"
PAGE: Final = (
    _TEMPLATES
    + """
    AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
    AND (%(channel)s::text IS NULL OR channel = %(channel)s::text)
    AND (%(locale)s::text IS NULL OR locale = %(locale)s::text)
    AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC LIMIT %(limit)s
    """
)
ONE: Final = _TEMPLATES + " AND id = %(id)s"
LOCK: Final = ONE + " FOR UPDATE"
IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('notification.templates ' || %(org_id)s::text, 0))"
COUNT: Final = (
    "SELECT count(*) AS templates FROM notification.templates WHERE org_id = %(org_id)s AND removed_at IS NULL"
)
TAKEN: Final = _TEMPLATES + " AND kind = %(kind)s AND channel = %(channel)s AND locale = %(locale)s"
CHANGE: Final = """
    UPDATE notification.templates
    SET draft = %(draft)s, published = %(published)s, newest = %(newest)s, revision = %(revision)s,
        updated_at = %(updated_at)s
    WHERE id = %(id)s
    """
REMOVE: Final = """
    UPDATE notification.templates
    SET removed_at = %(updated_at)s, updated_at = %(updated_at)s, revision = %(revision)s
    WHERE id = %(id)s
    """
_VERSIONS: Final = "SELECT * FROM notification.template_versions WHERE template_id = %(template_id)s"
VERSIONS: Final = (
    _VERSIONS + " AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
)
VERSION: Final = _VERSIONS + " AND number = %(number)s"
_PUBLISHED: Final = """
    SELECT template.id AS template_id, template.published AS version, template.kind, template.locale, template.channel,
        version.wording
    FROM notification.templates AS template
    JOIN notification.template_versions AS version
        ON version.template_id = template.id AND version.number = template.published
    WHERE template.org_id = %(org_id)s AND template.removed_at IS NULL
    """
PUBLISHED: Final = _PUBLISHED + " AND template.kind = %(kind)s AND template.channel = %(channel)s"
OWN_KINDS: Final = (
    _PUBLISHED + " AND starts_with(template.kind, 'custom.') ORDER BY template.kind, template.channel, template.locale"
)


class PostgresTemplates:
    """Templates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        org_id: UUID,
        *,
        kind: str | None,
        channel: Channel | None,
        locale: str | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Template]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        sought = {"kind": kind, "channel": channel, "locale": locale, "before": before, "limit": limit}
        async with self._database.transaction(org_id) as connection:
            return [_template(row) for row in await every(connection, PAGE, org_id=org_id, **sought)]

    async def find(self, org_id: UUID, template_id: UUID) -> Template | None:
        """The one with this id, unless it is removed."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, ONE, org_id=org_id, id=template_id)
        return _template(row) if row is not None else None

    async def locked(self, org_id: UUID, template_id: UUID) -> Template | None:
        """The same, which nobody else changes before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LOCK, org_id=org_id, id=template_id)
        return _template(row) if row is not None else None

    async def count(self, org_id: UUID) -> int:
        """How many there are; nobody else adds one before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(IN_TURN, {"org_id": org_id})
            row = await one(connection, COUNT, org_id=org_id)
        return int(row["templates"]) if row is not None else 0

    async def taken(self, org_id: UUID, kind: str, channel: Channel, locale: str) -> bool:
        """Whether there is one of this kind, channel and language."""
        async with self._database.transaction(org_id) as connection:
            return await one(connection, TAKEN, org_id=org_id, kind=kind, channel=channel, locale=locale) is not None

    async def add(self, template: Template) -> None:
        """Keep a new one."""
        async with self._database.transaction(template.org_id) as connection:
            await connection.execute(*insert("notification.templates", _row(template)))

    async def change(self, template: Template) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(template.org_id) as connection:
            await connection.execute(CHANGE, _row(template))

    async def remove(self, template: Template) -> None:
        """Mark one as removed, when it was last updated."""
        async with self._database.transaction(template.org_id) as connection:
            await connection.execute(REMOVE, _row(template))


class PostgresVersions:
    """Versions of templates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, template: Template, *, before: UUID | None, limit: int) -> Sequence[Version]:
        """At most `limit` of a template's, the newest first, that are older than the one with the id `before`."""
        async with self._database.transaction(template.org_id) as connection:
            rows = await every(connection, VERSIONS, template_id=template.id, before=before, limit=limit)
        return [Version(**row) for row in rows]

    async def find(self, template: Template, number: int) -> Version | None:
        """A template's version of this number."""
        async with self._database.transaction(template.org_id) as connection:
            row = await one(connection, VERSION, template_id=template.id, number=number)
        return Version(**row) if row is not None else None

    async def add(self, version: Version) -> None:
        """Keep a new one."""
        row = {**version.model_dump(), "wording": _json(version.wording)}
        async with self._database.transaction(version.org_id) as connection:
            await connection.execute(*insert("notification.template_versions", row))


class PostgresTemplateStore:
    """What organizations have published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def published(self, org_id: UUID, kind: str, channel: Channel) -> Sequence[Published]:
        """What is sent of a kind on a channel, in whatever languages."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, PUBLISHED, org_id=org_id, kind=kind, channel=channel)
        return [_published(row) for row in rows]

    async def own_kinds(self, org_id: UUID) -> Sequence[tuple[Published, Channel]]:
        """All that is sent of the organization's own kinds, ordered by kind."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, OWN_KINDS, org_id=org_id)
        return [(_published(row), Channel(row["channel"])) for row in rows]


def _row(template: Template) -> dict[str, Any]:
    return {**template.model_dump(), "draft": _json(template.draft) if template.draft is not None else None}


def _json(wording: Wording) -> Jsonb:
    return Jsonb(wording.model_dump(mode="json"))


def _template(row: Mapping[str, Any]) -> Template:
    return Template(**{name: row[name] for name in Template.model_fields})


def _published(row: Mapping[str, Any]) -> Published:
    return Published(**{name: row[name] for name in Published.model_fields})
