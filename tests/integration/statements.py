"""Statements of tests about tables and columns whose names vary."""

from typing import Any, LiteralString

from psycopg import sql

from llmo_data.postgres import Connection


async def run(connection: Connection, statement: LiteralString, *names: str) -> list[dict[str, Any]]:
    """The rows of a statement about a table or a column; several names are one that is qualified."""
    found = await connection.execute(sql.SQL(statement).format(sql.Identifier(*names)))
    return await found.fetchall() if found.description else []
