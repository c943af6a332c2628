"""The operator sees where nothing is sent to any more, and has it sent there again; nobody else does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database, every
from notification.address_hashes import address_hash
from notification.api import app
from notification.delivery.suppressions import PostgresSuppressions
from notification.kinds.models import Channel
from notification.suppressions import wiring
from notification.suppressions.repository import PostgresSuppressed
from notification.suppressions.service import SuppressionService
from tests.integration.api_caller import ApiCaller, key_of, problem
from tests.integration.auth.announcements import BusDown
from tests.integration.organizations import PEPPER, MakeOrg, Org

READER = frozenset({"notifications:read"})
PATH = "notifications/suppressions"


@pytest_asyncio.fixture
async def suppressed(
    notification_database: Database, org: Org, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PostgresSuppressions]:
    """What senders know, while the organization operates the deployment."""
    pepper = PEPPER.encode()

    async def service() -> SuppressionService:
        return SuppressionService(
            suppressions=PostgresSuppressed(notification_database),
            events=Outbox(
                database=notification_database, schema="notification", bus=BusDown, clock=SystemClock(), new_id=new_id
            ),
            transaction=notification_database.transaction,
            operator_id=org.org_id,
            address_hash=lambda address: address_hash(address, pepper),
        )

    monkeypatch.setitem(app.dependency_overrides, wiring.suppression_service, service)
    yield PostgresSuppressions(notification_database, pepper)
    async with notification_database.transaction() as connection:
        await connection.execute("DELETE FROM notification.suppressions")


def caller(org: Org, permissions: frozenset[str] = READER | {"notifications:write"}) -> ApiCaller:
    return ApiCaller(app, key_of(org, permissions), below="/api/v1")


async def listed(org: Org, query: str = "") -> list[dict[str, Any]]:
    answer = await caller(org)("GET", PATH + query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_what_was_suppressed_is_found_and_lifted(
    suppressed: PostgresSuppressions, notification_database: Database, org: Org
) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    for name in ("first", "second", "third"):
        await suppressed.add(Channel.EMAIL, f"{name}@example.com", message_id=new_id(), now=now)
    newest = await listed(org)
    [second] = await listed(org, "?channel=email&address=SECOND@example.com")
    assert newest[1]["id"] == second["id"]
    assert "second" not in str(newest)

    lifted = await caller(org)("DELETE", f"{PATH}/{second['id']}")
    assert lifted.status_code == 204
    assert problem(await caller(org)("DELETE", f"{PATH}/{second['id']}")) == (404, "unknown_suppression")

    addresses = ["second@example.com", "third@example.com"]
    assert await suppressed.among(Channel.EMAIL, addresses, critical=True) == {"third@example.com"}
    async with notification_database.transaction(org.org_id) as connection:
        [row] = await every(connection, "SELECT envelope FROM notification.outbox")
    assert "llmo.notification.suppression.lifted" in row["envelope"]
    assert str(org.key_id) in row["envelope"]


async def test_pages_follow_each_other(suppressed: PostgresSuppressions, org: Org) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    for number in range(3):
        await suppressed.add(Channel.SMS, f"+1415555267{number}", message_id=new_id(), now=now)
    first = (await caller(org)("GET", f"{PATH}?limit=2")).json()
    rest = (await caller(org)("GET", f"{PATH}?limit=2&cursor={first['next_cursor']}")).json()

    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)


@pytest.mark.usefixtures("suppressed")
async def test_they_are_the_operators(org: Org, make_org: MakeOrg) -> None:
    stranger = await make_org()
    for method, path in (("GET", PATH), ("DELETE", f"{PATH}/{new_id()}")):
        assert problem(await caller(stranger)(method, path)) == (403, "suppressions_of_operator")
    assert problem(await caller(org, READER)("DELETE", f"{PATH}/{new_id()}")) == (403, "missing_permission")
