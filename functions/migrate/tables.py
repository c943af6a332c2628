"""Tables that every service's schema has in the same shape, as SQL for a revision to run.

A revision that ran is never changed: a new shape is a new revision, with SQL of its own.
"""

from typing import LiteralString

_TENANT = """
ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {schema}.{table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {schema}.{table}
    USING (org_id = nullif(current_setting('app.org_id', true), '')::uuid)
    WITH CHECK (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
CREATE POLICY relay ON {schema}.{table} TO llmo_relay USING (true) WITH CHECK (false);
"""

_OUTBOX = """
CREATE TABLE {schema}.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    org_id uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    envelope text NOT NULL, -- CloudEvents JSON, byte for byte as it is published
    created_at timestamptz NOT NULL
);
CREATE INDEX outbox_aggregate ON {schema}.outbox (aggregate_id, position);
"""

# Locking a row takes the right to update one of its columns; an identity column can never be given another value.
_OUTBOX_RIGHTS = """
GRANT SELECT, INSERT, DELETE, UPDATE (position) ON {schema}.outbox TO {role};
GRANT USAGE ON SCHEMA {schema} TO llmo_relay;
GRANT SELECT, DELETE, UPDATE (position) ON {schema}.outbox TO llmo_relay;
"""

_INBOX = """
CREATE TABLE {schema}.inbox (
    consumer text NOT NULL CHECK (length(consumer) BETWEEN 1 AND 100),
    event_id uuid NOT NULL,
    org_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_received ON {schema}.inbox (received_at);
"""

_INBOX_RIGHTS = """
GRANT SELECT, INSERT ON {schema}.inbox TO {role};
GRANT USAGE ON SCHEMA {schema} TO llmo_relay;
GRANT SELECT, DELETE ON {schema}.inbox TO llmo_relay;
"""

_IDEMPOTENCY_KEYS = """
CREATE TABLE {schema}.idempotency_keys (
    org_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    key_hash text NOT NULL, -- of the client's key, under the pepper
    request_hash text NOT NULL,
    answer bytea, -- sealed; without one the request is under way
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, actor_id, key_hash)
);
CREATE INDEX idempotency_keys_expiry ON {schema}.idempotency_keys (expires_at);
"""

_IDEMPOTENCY_KEYS_RIGHTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.idempotency_keys TO {role};
GRANT USAGE ON SCHEMA {schema} TO llmo_relay;
GRANT SELECT (expires_at), DELETE ON {schema}.idempotency_keys TO llmo_relay;
"""


def outbox(schema: LiteralString, *, role: LiteralString) -> str:
    """The outbox of a schema (`llmo_data.outbox`): its service's role fills it, that role and the relay empty it."""
    return (_OUTBOX + _TENANT + _OUTBOX_RIGHTS).format(schema=schema, table="outbox", role=role)


def inbox(schema: LiteralString, *, role: LiteralString) -> str:
    """The inbox of a schema (`llmo_data.inbox`): its service's role fills it, the relay forgets what is old."""
    return (_INBOX + _TENANT + _INBOX_RIGHTS).format(schema=schema, table="inbox", role=role)


def idempotency_keys(schema: LiteralString, *, role: LiteralString) -> str:
    """A schema's requests with an `Idempotency-Key` (`llmo_data.idempotency`); the relay forgets the expired ones."""
    tables = _IDEMPOTENCY_KEYS + _TENANT + _IDEMPOTENCY_KEYS_RIGHTS
    return tables.format(schema=schema, table="idempotency_keys", role=role)
