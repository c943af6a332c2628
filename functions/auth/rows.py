"""What every repository of the schema does: name whose rows a transaction may touch.

The policies of row-level security know the settings `app.org_id` (see Database.transaction), `app.user_id`,
`app.email`, and `app.credential` for the digest of what somebody showed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from llmo_data.postgres import Connection, Database


async def name_in(connection: Connection, setting: str, value: object) -> None:
    """Open, for the rest of the transaction, the rows that a policy ties to this setting."""
    await connection.execute("SELECT set_config(%s, %s, true)", (setting, str(value)))


@asynccontextmanager
async def shown_in(database: Database, digest: str, user_id: UUID | None) -> AsyncIterator[Connection]:
    """A transaction that may touch what was shown, and what is a person's when there is one."""
    async with database.transaction() as connection:
        await name_in(connection, "app.credential", digest)
        if user_id is not None:
            await name_in(connection, "app.user_id", user_id)
        yield connection
