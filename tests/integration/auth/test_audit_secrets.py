"""No secret gets into the audit log, whatever event carries one."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from auth.api import app
from auth.audit.models import Acting, AuditEntry, AuditFilter
from auth.audit.recording import AuditedEvents, act
from auth.audit.repository import PostgresAuditLog
from auth.organizations.models import MemberInvited
from auth.registration.models import PasswordResetRequested
from auth.service_accounts import wiring as service_accounts
from auth.service_accounts.models import ServiceAccountSecretAdded
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from llmo_messaging.envelope import Event
from tests.clocks import MovableClock
from tests.integration.auth.auditing import audited
from tests.integration.auth.house import NOW
from tests.integration.auth.oauth_server import Server
from tests.integration.organizations import Org

SECRET = ("token", "tokens", "secret", "secrets", "password", "passwords", "code", "codes", "hash", "hashes")
MARK = "nobody-may-read-this"


def _below(kind: type[Event]) -> Iterator[type[Event]]:
    for event in kind.__subclasses__():
        if event.__module__.startswith("auth."):
            yield event
        yield from _below(event)


EVENTS = sorted(_below(Event), key=lambda event: event.event_type)


class Remembered:
    """Takes events and entries, and keeps the entries."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Announce nothing."""

    async def add(self, entry: AuditEntry) -> None:
        """Keep an entry."""
        self.entries.append(entry)


@pytest.fixture(autouse=True)
def nobody_acts() -> Iterator[None]:
    act(Acting())
    yield
    act(Acting())


def _named_like_a_secret(value: Any) -> list[str]:
    """The names of members, however deep, that end as those of secrets do."""
    if isinstance(value, Mapping):
        below = [found for part in value.values() for found in _named_like_a_secret(part)]
        return [name for name in value if name.endswith(SECRET)] + below
    if isinstance(value, list):
        return [found for part in value for found in _named_like_a_secret(part)]
    return []


def _drawn(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    """A value for a member; the text of a secret says that it is one."""
    kind: Any = field.annotation
    if name.endswith(SECRET) and kind in {str, str | None}:
        return st.just(MARK)
    return st.from_type(kind).filter(lambda value: not isinstance(value, Decimal) or value.is_finite())


def test_the_events_that_carry_secrets_are_among_those_that_are_looked_at() -> None:
    assert {PasswordResetRequested, MemberInvited, ServiceAccountSecretAdded} <= {*EVENTS}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.event_type)
@settings(max_examples=5)
@given(data=st.data())
async def test_nothing_that_is_named_like_a_secret_is_recorded_of_any_event(
    kind: type[Event], data: st.DataObject
) -> None:
    drawn = {name: data.draw(_drawn(name, field)) for name, field in kind.model_fields.items()}
    kept = Remembered()
    events = AuditedEvents(events=kept, log=kept, clock=MovableClock(), new_id=new_id)

    await events.announce(kind(**drawn), org_id=new_id(), aggregate_id=new_id())

    [entry] = kept.entries
    assert _named_like_a_secret(entry.details) == []
    assert MARK not in entry.model_dump_json()


async def test_what_is_kept_of_an_invitation_is_all_but_its_token(auth_database: Database, org: Org) -> None:
    invited = MemberInvited(
        invitation_id=new_id(),
        email="grace@example.com",
        organization="Acme",
        role="viewer",
        token=MARK,
        expires_at=NOW,
    )
    await audited(auth_database, MovableClock()).announce(invited, org_id=org.org_id, aggregate_id=org.org_id)

    [entry] = await recorded(auth_database, org.org_id)
    assert entry.details.keys() == MemberInvited.model_fields.keys() - {"token"}
    assert entry.details["email"] == "grace@example.com"


async def recorded(database: Database, org_id: UUID) -> list[AuditEntry]:
    """An organization's entries, the oldest first."""
    page = await PostgresAuditLog(database).of_organization(org_id, AuditFilter(), before=None, limit=100)
    return [*reversed(page.entries)]


async def test_secrets_of_service_accounts_are_recorded_when_they_come_and_go_and_never_themselves(
    served: Server, auth_database: Database
) -> None:
    provider = app.dependency_overrides[service_accounts.service_account_service]
    (await provider())._events = audited(auth_database, served.clock)
    account = await served.account()
    path = f"{served.org}/service-accounts/{account['id']}/secrets"

    added = (await served("POST", path, caller=served.owner())).json()
    assert (await served("POST", path, caller=served.owner())).status_code == 409
    assert (await served("DELETE", f"{path}/{added['id']}", caller=served.owner())).status_code == 204
    assert (await served("DELETE", f"{path}/{added['id']}", caller=served.owner())).status_code == 404

    entries = await recorded(auth_database, served.house.org_id)
    assert [entry.action for entry in entries] == [
        "service_account.created",
        "service_account.secret_added",
        "service_account.secret_revoked",
    ]
    about = {"account_id": account["id"], "secret_id": added["id"]}
    assert [entry.details for entry in entries[1:]] == [about | {"hint": added["hint"]}, about]
    assert {entry.target_id for entry in entries} == {UUID(account["id"])}
    assert {entry.actor_id for entry in entries} == {served.house.user_id}
    kept = json.dumps([entry.model_dump(mode="json") for entry in entries])
    for text in (account["client_secret"], added["client_secret"]):
        assert text not in kept
        assert len(added["hint"]) < len(text) / 4
