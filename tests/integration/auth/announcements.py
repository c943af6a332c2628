"""The auth service's outbox, over a bus that is down: what is announced can be read in the table."""

from collections.abc import Sequence
from uuid import UUID

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.bus import PublishFailed
from llmo_messaging.envelope import Envelope


class BusDown:
    """Takes nothing."""

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Refuse."""
        raise PublishFailed(f"down: {len(events)} events")


def outbox(database: Database) -> Outbox:
    """The outbox that use cases under test announce in."""
    return Outbox(database=database, schema="auth", bus=BusDown, clock=SystemClock(), new_id=new_id)


async def announced_about(database: Database, user_id: UUID) -> Sequence[Envelope]:
    """What was announced about a person, in order; such events belong to no organization."""
    async with database.transaction() as connection:
        statement = "SELECT envelope FROM auth.outbox WHERE aggregate_id = %s ORDER BY position"
        rows = await (await connection.execute(statement, (user_id,))).fetchall()
    return [Envelope.model_validate_json(row["envelope"]) for row in rows]


async def announced(database: Database, org_id: UUID) -> Sequence[Envelope]:
    """What an organization's transactions announced, in order."""
    async with database.transaction(org_id) as connection:
        rows = await (await connection.execute("SELECT envelope FROM auth.outbox ORDER BY position")).fetchall()
    return [Envelope.model_validate_json(row["envelope"]) for row in rows]
