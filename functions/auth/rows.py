"""What every repository of the schema does: name whose rows a transaction may touch, and read one.

The policies of row-level security know the settings `app.org_id` (see Database.transaction), `app.user_id`,
`app.email`, and `app.credential` for the digest of what somebody showed.
"""

from typing import Any

from llmo_data.postgres import Connection


async def one(connection: Connection, statement: str, **parameters: object) -> dict[str, Any] | None:
    """The first row of a query's answer."""
    return await (await connection.execute(statement.encode(), parameters)).fetchone()


async def name_in(connection: Connection, setting: str, value: object) -> None:
    """Open, for the rest of the transaction, the rows that a policy ties to this setting."""
    await connection.execute("SELECT set_config(%s, %s, true)", (setting, str(value)))
