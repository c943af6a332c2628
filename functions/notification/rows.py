"""Whose rows a transaction may touch, where they are a person's own and not all of an organization's."""

from uuid import UUID

from llmo_data.postgres import Connection


async def name_person(connection: Connection, user_id: UUID) -> None:
    """Open, for the rest of the transaction, the rows that row-level security ties to this person (`app.user_id`)."""
    await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(user_id),))
