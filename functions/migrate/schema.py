"""Schema versions: alembic, configured in code, over plain SQL revisions in `versions/`.

Every schema of every service is migrated here, in one order, under one version table.
"""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from llmo_core.database_login import ConnInfo, resolved

_HERE = Path(__file__).parent
_VERSION_TABLE: dict[str, Any] = {"version_table": "schema_version", "version_table_schema": "public"}
_LOCK = 0x11_30_5C_4E_3A  # any number that nothing else locks


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did, or, for a dry run, would do.

    Attributes:
        before: The schema's revision before; None for an empty database.
        after: Its revision afterwards.
        applied: The revisions in between, in the order they ran.
        sql: The statements of a dry run; None when they were executed.
    """

    before: str | None
    after: str | None
    applied: tuple[str, ...]
    sql: str | None = None


def upgrade(conninfo: ConnInfo, *, dry_run: bool = False) -> Upgrade:
    """Bring the database to the newest revision, all in one transaction.

    Safe to repeat and to run twice at once: the second run waits for the first and finds nothing left to do.

    Args:
        conninfo: psycopg's parameters for the database's owner.
        dry_run: Only say which statements would run; nothing changes.
    """
    scripts = ScriptDirectory(str(_HERE), version_locations=[str(_HERE / "versions")])
    # The lock is the session's: the connection is closed at the end, never pooled.
    address = make_conninfo("", **resolved(conninfo))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        before = _revision(connection)
        applied = _revisions_after(scripts, before)
        sql = _sql(connection, scripts, before) if dry_run else None
        if not dry_run:
            _run(MigrationContext.configure(connection, opts=_options(scripts)))
        return Upgrade(before, scripts.get_current_head(), applied, sql)


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection, opts=_VERSION_TABLE).get_current_revision()
    connection.rollback()
    return revision


def _revisions_after(scripts: ScriptDirectory, revision: str | None) -> tuple[str, ...]:
    return tuple(script.revision for script in scripts.iterate_revisions("head", revision or "base"))[::-1]


def _sql(connection: Connection, scripts: ScriptDirectory, revision: str | None) -> str:
    written = StringIO()
    offline = {"as_sql": True, "output_buffer": written, "starting_rev": revision}
    _run(MigrationContext.configure(dialect=connection.dialect, opts={**_options(scripts), **offline}))
    return written.getvalue()


def _options(scripts: ScriptDirectory) -> dict[str, Any]:
    # Alembic's own `upgrade` command plans the same way; it has no public name for it outside an env.py file.
    return {**_VERSION_TABLE, "fn": lambda current, _context: scripts._upgrade_revs("head", current)}  # noqa: SLF001


def _run(context: MigrationContext) -> None:
    with context.begin_transaction(), Operations.context(context):
        context.run_migrations()
