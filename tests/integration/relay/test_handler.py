"""The relay through its Lambda handler, with the sample event of `events/`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_messaging.envelope import Envelope, Event
from relay import wiring
from relay.handler import handler
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.stores import Postgres

SAMPLE = Path(__file__).parents[3] / "events" / "RelayFunction" / "every-minute.json"


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int


class Context:
    def __init__(self, milliseconds: int = 55_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch, postgres: Postgres) -> Iterator[None]:
    for name, value in postgres.environment("llmo_relay").items():
        lambda_environment.setenv(name, value)
    yield
    run(wiring.close())


@pytest.fixture
def admin(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection:
        yield connection


def leave(admin: psycopg.Connection, *numbers: int, age: timedelta = timedelta()) -> str:
    """Events of one aggregate in the outbox of the auth service; the id of their organization."""
    org_id, then = new_id(), datetime.now(UTC) - age
    for number in numbers:
        envelope = Envelope.of(Counted(number=number), event_id=new_id(), org_id=org_id, time=then)
        admin.execute(
            "INSERT INTO auth.outbox (event_id, org_id, aggregate_id, envelope, created_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            (envelope.id, org_id, org_id, envelope.to_json(), then),
        )
    return str(org_id)


def sample() -> dict[str, Any]:
    event: dict[str, Any] = json.loads(SAMPLE.read_text())
    return event


def test_the_sample_publishes_what_waits_in_order_and_leaves_nothing(
    admin: psycopg.Connection, secrets: FakeSecretsManager
) -> None:
    org_id = leave(admin, 1, 2, 3)

    done = handler(sample(), Context())

    assert [event["data"]["number"] for event in secrets.events_of(org_id)] == [1, 2, 3]
    assert (done["unread"], done["backlog"], done["oldest"]) == (0, 0, "PT0S")
    assert done["published"] >= 3
    assert handler(sample(), Context())["published"] == 0


def test_what_is_left_when_the_time_is_up_is_measured(
    admin: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    handler(sample(), Context())  # what other tests have left
    capsys.readouterr()
    leave(admin, 1, age=timedelta(minutes=20))

    done = handler(sample(), Context(milliseconds=9_000))

    assert (done["published"], done["backlog"]) == (0, 1)
    (measured,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "OutboxAge" in line)
    assert measured["OutboxBacklog"] == [1.0]
    assert 1200 <= measured["OutboxAge"][0] < 1300
    assert handler(sample(), Context())["backlog"] == 0


def test_requests_that_are_remembered_no_longer_are_deleted_and_others_are_not(admin: psycopg.Connection) -> None:
    now, org_id = datetime.now(UTC), new_id()
    for key, expires_at in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(hours=1))):
        admin.execute(
            """
            INSERT INTO auth.idempotency_keys (org_id, actor_id, key_hash, request_hash, created_at, expires_at)
            VALUES (%s, %s, %s, 'x', %s, %s)
            """,
            (org_id, org_id, key, now, expires_at),
        )

    assert handler(sample(), Context())["forgotten"] >= 1

    kept = admin.execute("SELECT key_hash FROM auth.idempotency_keys WHERE org_id = %s", (org_id,)).fetchall()
    assert kept == [("new",)]


def test_ids_of_reported_usage_that_are_remembered_no_longer_are_deleted_and_others_are_not(
    admin: psycopg.Connection,
) -> None:
    now, org_id = datetime.now(UTC), new_id()
    for reported_id, expires_at in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(days=90))):
        admin.execute("INSERT INTO billing.reported_usage VALUES (%s, %s, %s)", (org_id, reported_id, expires_at))

    assert handler(sample(), Context())["forgotten"] >= 1

    kept = admin.execute("SELECT reported_id FROM billing.reported_usage WHERE org_id = %s", (org_id,)).fetchall()
    assert kept == [("new",)]


def test_challenges_that_nobody_answered_are_deleted(admin: psycopg.Connection) -> None:
    now = datetime.now(UTC)
    old, new = (new_id().hex + new_id().hex for _ in range(2))
    for challenge, expires_at in ((old, now - timedelta(seconds=1)), (new, now + timedelta(minutes=5))):
        admin.execute(
            "INSERT INTO auth.passkey_challenges (challenge_hash, expires_at) VALUES (%s, %s)", (challenge, expires_at)
        )

    handler(sample(), Context())

    kept = admin.execute("SELECT challenge_hash FROM auth.passkey_challenges").fetchall()
    assert (new,) in kept
    assert (old,) not in kept


def test_sign_ins_at_a_provider_that_nobody_finished_are_deleted(admin: psycopg.Connection) -> None:
    now = datetime.now(UTC)
    old, new = (new_id().hex + new_id().hex for _ in range(2))
    for token, expires_at in ((old, now - timedelta(seconds=1)), (new, now + timedelta(minutes=5))):
        admin.execute(
            """
            INSERT INTO auth.federation_flows (token_hash, state_hash, provider, secrets, created_at, expires_at)
            VALUES (%s, %s, 'house', '', %s, %s)
            """,
            (token, token, now - timedelta(minutes=5), expires_at),
        )

    handler(sample(), Context())

    kept = admin.execute("SELECT token_hash FROM auth.federation_flows").fetchall()
    assert (new,) in kept
    assert (old,) not in kept


def test_a_database_that_does_not_answer_fails_the_run(lambda_environment: pytest.MonkeyPatch) -> None:
    lambda_environment.setenv("DATABASE_PORT", "1")

    with pytest.raises(Exception, match="The database does not answer"):
        handler(sample(), Context())


def test_what_was_delivered_to_webhooks_is_forgotten_after_its_thirty_days(admin: psycopg.Connection) -> None:
    now, org_id, webhook_id = datetime.now(UTC), new_id(), new_id()
    admin.execute("SELECT set_config('app.org_id', %s, false)", (str(org_id),))
    admin.execute(
        """
        INSERT INTO integration.webhooks (id, org_id, url, description, event_types, enabled, data_key, secret, version,
            created_by, created_at, updated_at)
        VALUES (%s, %s, 'https://example.com', '', '{batch.completed}', true, '', '', 1, %s, now(), now())
        """,
        (webhook_id, org_id, org_id),
    )
    old, new = new_id(), new_id()
    for delivery_id, expires_at in ((old, now - timedelta(seconds=1)), (new, now + timedelta(days=1))):
        admin.execute(
            """
            INSERT INTO integration.webhook_deliveries (id, org_id, webhook_id, event_id, event_type, body, status,
                attempts, created_at, expires_at)
            VALUES (%s, %s, %s, %s, 'batch.completed', '{}', 'delivered', 1, now(), %s)
            """,
            (delivery_id, org_id, webhook_id, delivery_id, expires_at),
        )

    handler(sample(), Context())

    kept = admin.execute("SELECT id FROM integration.webhook_deliveries WHERE org_id = %s", (org_id,)).fetchall()
    assert kept == [(new,)]
