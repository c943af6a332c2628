"""What the services' database roles log in with."""

from collections.abc import Iterable, Mapping

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from llmo_core.database_login import ConnInfo, resolved


def set_passwords(conninfo: ConnInfo, passwords: Mapping[str, str]) -> None:
    """Give each role its password, all or none. Safe to repeat; open connections stay open.

    The server gets SCRAM verifiers, made here: no password crosses the wire or reaches the server's log.
    """
    with psycopg.connect(make_conninfo("", **resolved(conninfo))) as connection:
        for role, password in sorted(passwords.items()):
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier.decode()))
            )


def take_tokens(conninfo: ConnInfo, roles: Iterable[str]) -> None:
    """Have each role log in with tokens of IAM from now on, and no password any more; all or none. Safe to repeat.

    From PostgreSQL 16 on, who makes a role is a member of it, and so of `rds_iam` by it: this ends the owner's log-in
    with a password too. The owner needs to log in with tokens before.
    Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/database-authentication.html
    """
    with psycopg.connect(make_conninfo("", **resolved(conninfo))) as connection:
        for role in sorted(roles):
            name = sql.Identifier(role)
            connection.execute(sql.SQL("GRANT rds_iam TO {}").format(name))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD NULL").format(name))
