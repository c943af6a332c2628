"""The passwords of the services' database roles."""

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migrate.schema import ConnInfo


def set_passwords(conninfo: ConnInfo, passwords: Mapping[str, str]) -> None:
    """Give each role its password, all or none. Safe to repeat; open connections stay open.

    The server gets SCRAM verifiers, made here: no password crosses the wire or reaches the server's log.
    """
    with psycopg.connect(make_conninfo("", **conninfo)) as connection:
        for role, password in sorted(passwords.items()):
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier.decode()))
            )
