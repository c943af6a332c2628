"""Schema versions: alembic, configured in code, over plain SQL revisions in `versions/`.

Every schema of every service is migrated here, in one order, under one version table.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from psycopg.conninfo import make_conninfo
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from migrate.contractions import contractions

type ConnInfo = Mapping[str, str | int]

_HERE = Path(__file__).parent
_VERSION_TABLE: dict[str, Any] = {"version_table": "schema_version", "version_table_schema": "public"}
_LOCK = 0x11_30_5C_4E_3A  # any number that nothing else locks
LOCK_TIMEOUT: Final = timedelta(seconds=5)
"""How long a statement waits for a table: whoever needs the table meanwhile waits behind it."""
PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds until it is tried again, after each time that a table was in use; a minute and a half with the waits."""


class TablesInUse(Unavailable):
    """Others' transactions held tables for too long, and nothing was migrated."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did, or, for a dry run, would do.

    Attributes:
        before: The schema's revision before; None for an empty database.
        after: Its revision afterwards.
        applied: The revisions in between, in the order they ran.
        contracting: Statements of those revisions that remove or rewrite what was there before, by revision. Of an
            empty database none does.
        sql: The statements of a dry run; None when they were executed.
    """

    before: str | None
    after: str | None
    applied: tuple[str, ...]
    contracting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sql: str | None = None


class ContractionRefused(Exception):
    """A pending revision removes or rewrites what code that still runs may need. Nothing was changed."""


def upgrade(
    conninfo: ConnInfo,
    *,
    dry_run: bool = False,
    allow_contract: bool = False,
    lock_timeout: timedelta = LOCK_TIMEOUT,
    pause: Callable[[float], None] = time.sleep,
) -> Upgrade:
    """Bring the database to the newest revision, all in one transaction.

    Safe to repeat and to run twice at once: the second run waits for the first and finds nothing left to do. A database
    whose revision is not among these is a newer release's, from which a deployment was rolled back: it stays as it is.
    Where a table is in use for longer than `lock_timeout`, everything is undone and tried again after a pause.

    Args:
        conninfo: psycopg's parameters for the database's owner.
        dry_run: Only say which statements would run; nothing changes, and nothing is refused.
        allow_contract: Also run revisions that say that they contract.
        lock_timeout: How long a statement waits for a table.
        pause: Waits so many seconds.

    Raises:
        ContractionRefused: A pending revision contracts, and does not say so or is not allowed to.
        TablesInUse: A table is still in use after the last pause.
    """
    scripts = revisions()
    # The lock is the session's: the connection is closed at the end, never pooled.
    address = make_conninfo("", **conninfo)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        before = _revision(connection)
        if before not in {None, *(script.revision for script in scripts.walk_revisions())}:
            logger().warning("the database is of a newer release", extra={"revision": before})
            return Upgrade(before, before, (), sql="" if dry_run else None)
        pending = _revisions_after(scripts, before)
        contracting = {} if before is None else contracting_revisions(scripts, pending)
        sql = _sql(scripts, before, "head") if dry_run else None
        if not dry_run:
            _refuse(pending, contracting, allow_contract=allow_contract)
            _run_patiently(connection, scripts, lock_timeout, pause)
        applied = tuple(script.revision for script in pending)
        return Upgrade(before, scripts.get_current_head(), applied, contracting, sql)


def revisions() -> ScriptDirectory:
    """Every revision there is."""
    return ScriptDirectory(str(_HERE), version_locations=[str(_HERE / "versions")])


def contracting_revisions(scripts: ScriptDirectory, among: Sequence[Script]) -> dict[str, tuple[str, ...]]:
    """The statements that remove or rewrite something, by revision; revisions without one are left out."""
    found = {script.revision: contractions(_sql_of(scripts, script)) for script in among}
    return {revision: of_it for revision, of_it in found.items() if of_it}


def _sql_of(scripts: ScriptDirectory, script: Script) -> str:
    before = script.down_revision
    assert before is None or isinstance(before, str)  # noqa: S101 - revisions are a line, a test asks for it
    return _sql(scripts, before, script.revision)


def _refuse(pending: Sequence[Script], contracting: Mapping[str, Sequence[str]], *, allow_contract: bool) -> None:
    for script in pending:
        reason = getattr(script.module, "contracts", "")
        if script.revision not in contracting or (reason and allow_contract):
            continue
        why = f"contracts ({reason}), which takes `allow_contract`" if reason else "does not say that it `contracts`"
        raise ContractionRefused(f"Revision {script.revision} {why}: {contracting[script.revision][0]}")


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection, opts=_VERSION_TABLE).get_current_revision()
    connection.rollback()
    return revision


def _revisions_after(scripts: ScriptDirectory, revision: str | None) -> tuple[Script, ...]:
    return tuple(scripts.iterate_revisions("head", revision or "base"))[::-1]


def _sql(scripts: ScriptDirectory, before: str | None, until: str) -> str:
    written = StringIO()
    offline = {"as_sql": True, "output_buffer": written, "starting_rev": before}
    _run(MigrationContext.configure(dialect_name="postgresql", opts={**_options(scripts, until), **offline}))
    return written.getvalue()


def _options(scripts: ScriptDirectory, until: str) -> dict[str, Any]:
    # Alembic's own `upgrade` command plans the same way; it has no public name for it outside an env.py file.
    return {**_VERSION_TABLE, "fn": lambda current, _context: scripts._upgrade_revs(until, current)}  # noqa: SLF001


def _run_patiently(
    connection: Connection, scripts: ScriptDirectory, lock_timeout: timedelta, pause: Callable[[float], None]
) -> None:
    for wait in (*PAUSES, None):
        try:
            _run(MigrationContext.configure(connection, opts=_options(scripts, "head")), lock_timeout)
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            reason = str(error.orig).splitlines()[0]
            logger().warning("a table is in use", extra={"reason": reason, "pause_seconds": wait})
            if wait is None:
                raise TablesInUse(
                    f"{reason}: others' transactions held a table for longer than {lock_timeout.total_seconds():g} s, "
                    f"{len(PAUSES) + 1} times. Nothing was changed. End what runs long (pg_stat_activity); try again."
                ) from error
            pause(wait)
        else:
            return


def _run(context: MigrationContext, lock_timeout: timedelta = LOCK_TIMEOUT) -> None:
    with context.begin_transaction(), Operations.context(context):
        context.execute(f"SET LOCAL lock_timeout = {round(lock_timeout.total_seconds() * 1000)}")
        context.run_migrations()
