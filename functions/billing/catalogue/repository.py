"""The catalogue in PostgreSQL.

Row-level security decides what of the operator's rows others see: plans that are or were offered, and the versions
since then.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from billing.catalogue.models import CodeTaken, KeptMeter, Plan, Version
from billing.metering.meters import Meter
from billing.models import Viewer
from billing.pricing.plans import PlanVersion
from llmo_data.postgres import Database, every, insert, one

_METERS = """
    SELECT id, org_id, definition, created_by, created_at FROM billing.meters WHERE org_id = %(operator_id)s
    """
METER_PAGE = _METERS + " AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
METER = _METERS + " AND code = %(code)s"
METERS_NAMED = _METERS + " AND code = ANY(%(codes)s)"

_PLANS = """
    SELECT plan.id, plan.org_id, plan.code, plan.name, plan.description, plan.offered_from, plan.revision,
        plan.created_by, plan.created_at, plan.archived_at,
        version.id AS version_id, version.number, version.definition, version.created_by AS version_created_by,
        version.created_at AS version_created_at
    FROM billing.plans AS plan
    JOIN billing.plan_versions AS version ON version.plan_id = plan.id AND version.number = plan.newest
    WHERE plan.org_id = %(operator_id)s
    """
PLAN_PAGE = (
    _PLANS
    + """
        AND (%(all)s OR (plan.offered_from IS NOT NULL AND plan.archived_at IS NULL))
        AND (%(before)s::uuid IS NULL OR plan.id < %(before)s::uuid)
    ORDER BY plan.id DESC
    LIMIT %(limit)s
    """
)
PLAN = _PLANS + " AND plan.id = %(plan_id)s"
# A statement of its own: in the one that waits for the lock, the join would still see the version of before.
LOCK_PLAN = "SELECT id FROM billing.plans WHERE org_id = %(operator_id)s AND id = %(plan_id)s FOR UPDATE"
CHANGE_PLAN = """
    UPDATE billing.plans
    SET newest = %(newest)s, offered_from = %(offered_from)s, revision = %(revision)s, archived_at = %(archived_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """

_VERSIONS = """
    SELECT id, org_id, plan_id, number, definition, created_by, created_at FROM billing.plan_versions
    WHERE org_id = %(operator_id)s AND plan_id = %(plan_id)s
    """
_OLDER_VERSIONS = """
        AND (
            %(before)s::uuid IS NULL
            OR number < (SELECT last.number FROM billing.plan_versions AS last WHERE last.id = %(before)s::uuid)
        )
    ORDER BY number DESC
    LIMIT %(limit)s
    """
VERSION_PAGE = _VERSIONS + _OLDER_VERSIONS
VERSION = _VERSIONS + " AND number = %(number)s"


class PostgresMeters:
    """Meters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, viewer: Viewer, *, before: UUID | None, limit: int) -> Sequence[KeptMeter]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        async with self._database.transaction(viewer.org_id) as connection:
            found = await every(connection, METER_PAGE, operator_id=viewer.operator_id, before=before, limit=limit)
        return [_meter(row) for row in found]

    async def find(self, viewer: Viewer, code: str) -> KeptMeter | None:
        """The one with this code."""
        async with self._database.transaction(viewer.org_id) as connection:
            row = await one(connection, METER, operator_id=viewer.operator_id, code=code)
        return _meter(row) if row is not None else None

    async def named(self, viewer: Viewer, codes: Collection[str]) -> Mapping[str, KeptMeter]:
        """Those with these codes, by code."""
        async with self._database.transaction(viewer.org_id) as connection:
            found = await every(connection, METERS_NAMED, operator_id=viewer.operator_id, codes=sorted(codes))
        return {meter.definition.code: meter for meter in map(_meter, found)}

    async def add(self, meter: KeptMeter) -> None:
        """Keep a new one. Raises CodeTaken."""
        definition = Jsonb(meter.definition.model_dump(mode="json"))
        row = {**meter.model_dump(exclude={"definition"}), "code": meter.definition.code, "definition": definition}
        try:
            async with self._database.transaction(meter.org_id) as connection:
                await connection.execute(*insert("billing.meters", row))
        except UniqueViolation as error:
            raise CodeTaken(f"There is a meter with the code `{meter.definition.code}` already.") from error


class PostgresPlans:
    """Plans and their versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, viewer: Viewer, *, before: UUID | None, limit: int) -> Sequence[Plan]:
        """At most `limit` plans, the newest first, that are older than the one with the id `before`."""
        wanted = {"operator_id": viewer.operator_id, "all": viewer.is_operator, "before": before, "limit": limit}
        async with self._database.transaction(viewer.org_id) as connection:
            return [_plan(row) for row in await every(connection, PLAN_PAGE, **wanted)]

    async def find(self, viewer: Viewer, plan_id: UUID) -> Plan | None:
        """The one with this id."""
        async with self._database.transaction(viewer.org_id) as connection:
            row = await one(connection, PLAN, operator_id=viewer.operator_id, plan_id=plan_id)
        return _plan(row) if row is not None else None

    async def locked(self, viewer: Viewer, plan_id: UUID) -> Plan | None:
        """The same, which nobody else changes before the end of the transaction under way."""
        async with self._database.transaction(viewer.org_id) as connection:
            await one(connection, LOCK_PLAN, operator_id=viewer.operator_id, plan_id=plan_id)
            return await self.find(viewer, plan_id)

    async def add(self, plan: Plan) -> None:
        """Keep a new one with its version. Raises CodeTaken."""
        try:
            async with self._database.transaction(plan.org_id) as connection:
                row = {**plan.model_dump(exclude={"version"}), "newest": plan.version.number}
                await connection.execute(*insert("billing.plans", row))
                await self.add_version(plan.version)
        except UniqueViolation as error:
            raise CodeTaken(f"There is a plan with the code `{plan.code}` already.") from error

    async def change(self, plan: Plan) -> None:
        """Keep what has changed of a plan but for its versions."""
        changed = plan.model_dump(include={"id", "org_id", "offered_from", "revision", "archived_at"})
        async with self._database.transaction(plan.org_id) as connection:
            await connection.execute(CHANGE_PLAN, {**changed, "newest": plan.version.number})

    async def versions(self, viewer: Viewer, plan_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Version]:
        """At most `limit` of a plan's versions, the newest first, that are older than the one with the id `before`."""
        wanted = {"operator_id": viewer.operator_id, "plan_id": plan_id, "before": before, "limit": limit}
        async with self._database.transaction(viewer.org_id) as connection:
            return [_version(row) for row in await every(connection, VERSION_PAGE, **wanted)]

    async def version(self, viewer: Viewer, plan_id: UUID, number: int) -> Version | None:
        """A plan's version of this number."""
        async with self._database.transaction(viewer.org_id) as connection:
            row = await one(connection, VERSION, operator_id=viewer.operator_id, plan_id=plan_id, number=number)
        return _version(row) if row is not None else None

    async def add_version(self, version: Version) -> None:
        """Keep a new version."""
        definition = Jsonb(version.definition.model_dump(mode="json"))
        row = {**version.model_dump(exclude={"definition"}), "definition": definition}
        async with self._database.transaction(version.org_id) as connection:
            await connection.execute(*insert("billing.plan_versions", row))


def _meter(row: Mapping[str, Any]) -> KeptMeter:
    return KeptMeter(**{**row, "definition": Meter.model_validate(row["definition"])})


def _version(row: Mapping[str, Any]) -> Version:
    return Version(**{**row, "definition": PlanVersion.model_validate(row["definition"])})


def _plan(row: Mapping[str, Any]) -> Plan:
    version = {
        "id": row["version_id"],
        "org_id": row["org_id"],
        "plan_id": row["id"],
        "number": row["number"],
        "definition": row["definition"],
        "created_by": row["version_created_by"],
        "created_at": row["version_created_at"],
    }
    fields = {name: row[name] for name in Plan.model_fields if name != "version"}
    return Plan(**fields, version=_version(version))
