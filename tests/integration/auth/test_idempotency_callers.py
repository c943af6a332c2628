"""Whose request repeats whose: the same key of the same person through another application is another request."""

from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from llmo_auth.idempotency_keys import REPLAY_HEADER
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.clocks import MovableClock
from tests.integration.auth.colleagues import Colleague
from tests.integration.auth.tenancy import wire
from tests.integration.organizations import Org

KEY = "once, please"
BODY = {"email": "grace@example.com", "role": "viewer"}


@pytest.fixture(autouse=True)
def real_stores(auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, auth_database, redis_client, MovableClock())


@pytest.fixture
def ada(org: Org) -> Colleague:
    """Somebody who acts themselves."""
    return Colleague(org.org_id, org.user_id)


def through(somebody: Colleague, **narrow: Any) -> Colleague:
    """The same person with credentials that are lent, or for one service."""
    same = Colleague(somebody.org_id, somebody.user_id)
    same.principal = somebody.principal.model_copy(update=narrow)
    return same


async def invite(caller: Colleague, key: str = KEY) -> httpx2.Response:
    return await caller("POST", "invitations", json=BODY, headers={"Idempotency-Key": key})


async def test_each_of_a_persons_applications_repeats_its_own_requests_only(ada: Colleague) -> None:
    client_id = new_id()
    callers = [
        ada,
        through(ada, client_id=client_id),
        through(ada, client_id=new_id()),
        through(ada, client_id=client_id, service="auth"),
        through(ada, service="auth"),
        through(ada, service="analytics"),
    ]

    first = [await invite(caller) for caller in callers]
    again = [await invite(caller) for caller in callers]

    assert [answer.status_code for answer in first] == [201] * len(callers)
    assert not [answer for answer in first if REPLAY_HEADER in answer.headers]
    assert len({answer.json()["id"] for answer in first}) == len(callers)
    assert [answer.headers.get(REPLAY_HEADER) for answer in again] == ["true"] * len(callers)
    assert [answer.json() for answer in again] == [answer.json() for answer in first]


async def test_another_session_of_the_same_application_repeats_its_requests(ada: Colleague) -> None:
    client_id = new_id()
    first = await invite(through(ada, client_id=client_id))

    again = await invite(through(ada, client_id=client_id, session_id=new_id()))

    assert (again.json(), again.headers[REPLAY_HEADER]) == (first.json(), "true")


async def test_no_application_learns_from_a_conflict_what_a_person_asked_for(ada: Colleague) -> None:
    await invite(ada)
    body = BODY | {"role": "developer"}

    other = await through(ada, client_id=new_id())("POST", "invitations", json=body, headers={"Idempotency-Key": KEY})

    assert (other.status_code, other.json()["role"]) == (201, "developer")


async def test_a_key_that_looks_like_an_applications_is_still_the_persons_own(ada: Colleague) -> None:
    client_id = new_id()
    theirs = await invite(through(ada, client_id=client_id))

    own = await invite(ada, f"{client_id} None {KEY}")

    assert own.status_code == 201
    assert own.json()["id"] != theirs.json()["id"]
