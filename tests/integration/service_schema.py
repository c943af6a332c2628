"""A schema as a service has it, for tests of the outbox, the inbox and what is built on them.

It has the two tables that every schema gets, and one of effects: a row for every time that an event had one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import sql

from llmo_core.ids import new_id
from migrate.tables import inbox, outbox
from tests.integration.stores import ConnInfo, administrator

_EFFECTS = """
    CREATE TABLE {effects} (id bigint GENERATED ALWAYS AS IDENTITY, org_id uuid NOT NULL, event_id uuid NOT NULL);
    GRANT SELECT, INSERT ON {effects} TO llmo_auth;
    """


@dataclass(frozen=True, slots=True)
class ServiceSchema:
    """One service's schema; its role is `llmo_auth`."""

    name: str

    def table(self, name: str) -> sql.Identifier:
        """One of its tables, to be put into a statement."""
        return sql.Identifier(self.name, name)


@asynccontextmanager
async def service_schema(admin: ConnInfo) -> AsyncIterator[ServiceSchema]:
    """A new schema; dropped afterwards."""
    schema = ServiceSchema(f"service_{new_id().hex[-12:]}")
    identifier = sql.Identifier(schema.name)
    async with administrator(admin) as connection:
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(identifier))
        await connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO llmo_auth").format(identifier))
        for tables in (outbox(schema.name, role="llmo_auth"), inbox(schema.name, role="llmo_auth")):
            await connection.execute(tables.encode())
        await connection.execute(sql.SQL(_EFFECTS).format(effects=schema.table("effects")))
    yield schema
    async with administrator(admin) as connection:
        await connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(identifier))
