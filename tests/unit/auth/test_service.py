from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.api_keys.models import (
    ApiKeyCreated,
    ApiKeyRevoked,
    CreatorNotAdmitted,
    ExpiryInThePast,
    IssuedKey,
    KeyLimits,
    LimitBeyondOwn,
    PermissionNotHeld,
    ProjectRequired,
    RevocationUnfinished,
    StoredKey,
    UnknownKey,
)
from auth.api_keys.ports import RevokedKey
from auth.api_keys.service import ApiKeyService
from llmo_auth import api_key
from llmo_auth.principal import ActorType, Permission, Principal
from llmo_core.ids import new_id
from llmo_messaging.envelope import Event

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
ORG, PROJECT = new_id(), new_id()


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class KeysInMemory:
    """Lacks transactions and other organizations."""

    kept: dict[UUID, StoredKey] = field(default_factory=dict)

    async def org_ref(self, _org_id: UUID) -> str:
        return "Org0000001"

    async def page(self, _org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[StoredKey]:
        newest_first = sorted(self.kept.values(), key=lambda key: key.id, reverse=True)
        return [key for key in newest_first if before is None or key.id < before][:limit]

    async def find(self, _org_id: UUID, key_id: UUID) -> StoredKey | None:
        return self.kept.get(key_id)

    async def add(self, key: StoredKey) -> None:
        self.kept[key.id] = key

    async def end(self, _org_id: UUID, key_id: UUID, *, at: datetime) -> None:
        self.kept[key_id] = self.kept[key_id].model_copy(update={"expires_at": at})

    async def narrow(
        self, _org_id: UUID, _user_ids: Sequence[UUID], _permissions: Collection[str], *, at: datetime
    ) -> Sequence[RevokedKey]:
        raise NotImplementedError(at)

    async def locked(self, _org_id: UUID, key_id: UUID) -> StoredKey | None:
        return self.kept.get(key_id)

    async def owner_permissions(self, _key: StoredKey) -> frozenset[str] | None:
        return frozenset(map(str, Permission))

    async def revoke_of_account(self, _org_id: UUID, account_id: UUID, *, at: datetime) -> Sequence[RevokedKey]:
        raise NotImplementedError(account_id, at)

    async def revoke_all(self, _org_id: UUID, *, at: datetime) -> Sequence[RevokedKey]:
        raise NotImplementedError(at)

    async def revoke(self, _org_id: UUID, key_id: UUID, *, at: datetime) -> RevokedKey | None:
        key = self.kept.get(key_id)
        if key is None:
            return None
        self.kept[key_id] = key.model_copy(update={"revoked_at": key.revoked_at or at})
        return RevokedKey(key_id=key.id, org_ref="Org0000001", key_hash=key.key_hash, newly=key.revoked_at is None)


@dataclass
class EventsInMemory:
    """Keeps what is announced while the transaction of its organization is under way; refuses everything else."""

    announced: list[tuple[Event, UUID]] = field(default_factory=list)
    under_way: UUID | None = None

    @asynccontextmanager
    async def transaction(self, org_id: UUID | None) -> AsyncIterator[None]:
        self.under_way = org_id
        try:
            yield
        finally:
            self.under_way = None

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        assert self.under_way == org_id
        self.announced.append((event, aggregate_id))


@dataclass
class AdmissionInMemory:
    """Remembers whether each key was already revoked in the database when it was told."""

    keys: KeysInMemory
    refused: list[tuple[str, bool]] = field(default_factory=list)
    forgotten: list[UUID] = field(default_factory=list)
    down: bool = False

    async def refuse(self, key: RevokedKey) -> None:
        if self.down:
            raise RevocationUnfinished
        committed = any(kept.revoked_at for kept in self.keys.kept.values() if kept.key_hash == key.key_hash)
        self.refused.append((key.key_hash, committed))

    async def forget(self, keys: Sequence[RevokedKey]) -> None:
        self.forgotten += [key.key_id for key in keys]

    async def refuse_all(self, keys: Sequence[RevokedKey]) -> None:
        raise NotImplementedError(keys)

    async def last_used(self, _org_ref: str, key_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        return dict.fromkeys(key_ids, NOW)


@dataclass
class Bench:
    keys: KeysInMemory
    events: EventsInMemory
    admission: AdmissionInMemory
    service: ApiKeyService

    async def issue(
        self,
        *,
        principal: Principal | None = None,
        permissions: Sequence[Permission] = (Permission.LLM_CALL,),
        limits: KeyLimits | None = None,
        expires_at: datetime | None = None,
    ) -> IssuedKey:
        return await self.service.issue(
            principal or caller(),
            name="x",
            project_id=None,
            permissions=permissions,
            limits=limits or KeyLimits(),
            expires_at=expires_at,
        )


def bench() -> Bench:
    keys = KeysInMemory()
    admission = AdmissionInMemory(keys)
    events = EventsInMemory()
    service = ApiKeyService(
        keys=keys,
        events=events,
        transaction=events.transaction,
        admission=admission,
        after_commit=lambda _key, _callback: None,
        pepper=b"p",
        clock=StoppedClock(),
        new_id=new_id,
    )
    return Bench(keys, events, admission, service)


def caller(permissions: frozenset[str] = frozenset(Permission), project_id: UUID | None = PROJECT) -> Principal:
    return Principal(
        org_id=ORG, project_id=project_id, actor_type=ActorType.USER, actor_id=new_id(), permissions=permissions
    )


async def test_a_key_is_kept_as_the_digest_of_the_text_that_is_shown() -> None:
    at = bench()

    issued = await at.issue()

    key = api_key.parse(issued.text)
    assert key is not None
    assert at.keys.kept[issued.stored.id].key_hash == key.digest(b"p")
    assert (issued.stored.project_id, issued.stored.hint, key.org_ref) == (PROJECT, issued.text[-4:], "Org0000001")


@given(held=st.sets(st.sampled_from(Permission)), wanted=st.lists(st.sampled_from(Permission), min_size=1))
async def test_a_key_never_gets_more_permissions_than_its_creator_has(
    held: set[Permission], wanted: list[Permission]
) -> None:
    at = bench()
    if set(wanted) <= held:
        issued = await at.issue(principal=caller(frozenset(held)), permissions=wanted)
        assert set(issued.stored.permissions) == set(wanted)
    else:
        with pytest.raises(PermissionNotHeld):
            await at.issue(principal=caller(frozenset(held)), permissions=wanted)
        assert not at.keys.kept


def calling_with(issued: IssuedKey) -> Principal:
    """The principal behind a key."""
    stored = issued.stored
    return Principal(
        org_id=stored.org_id,
        project_id=stored.project_id,
        actor_type=ActorType.API_KEY,
        actor_id=stored.id,
        permissions=frozenset(stored.permissions),
    )


OWN = KeyLimits(
    requests_per_minute=60, tokens_per_minute=9000, monthly_budget_usd=Decimal(10), allowed_models=("a", "b")
)
OWN_EXPIRY = NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("beyond", "expires_at", "named"),
    [
        ({"requests_per_minute": 61}, OWN_EXPIRY, "requests_per_minute"),
        ({"requests_per_minute": None}, OWN_EXPIRY, "requests_per_minute"),
        ({"tokens_per_minute": None}, OWN_EXPIRY, "tokens_per_minute"),
        ({"monthly_budget_usd": Decimal("10.01")}, OWN_EXPIRY, "monthly_budget_usd"),
        ({"monthly_budget_usd": None}, OWN_EXPIRY, "monthly_budget_usd"),
        ({"allowed_models": ("a", "c")}, OWN_EXPIRY, "allowed_models"),
        ({"allowed_models": None}, OWN_EXPIRY, "allowed_models"),
        ({}, OWN_EXPIRY + timedelta(microseconds=1), "expires_at"),
        ({}, None, "expires_at"),
    ],
)
async def test_a_key_gives_no_other_key_more_than_it_may_use_itself(
    beyond: dict[str, object], expires_at: datetime | None, named: str
) -> None:
    at = bench()
    own = await at.issue(limits=OWN, expires_at=OWN_EXPIRY)

    with pytest.raises(LimitBeyondOwn, match=f": {named}[.]"):
        await at.issue(principal=calling_with(own), limits=OWN.model_copy(update=beyond), expires_at=expires_at)
    assert list(at.keys.kept) == [own.stored.id]


async def test_a_key_gives_another_key_as_much_as_it_may_use_itself() -> None:
    at = bench()
    own = await at.issue(limits=OWN, expires_at=OWN_EXPIRY)

    issued = await at.issue(principal=calling_with(own), limits=OWN, expires_at=OWN_EXPIRY)

    assert (issued.stored.limits, issued.stored.expires_at) == (OWN, OWN_EXPIRY)


@pytest.mark.parametrize("withdrawn", [{"revoked_at": NOW}, {"expires_at": NOW}])
async def test_a_withdrawn_key_that_the_front_door_still_remembers_creates_no_key(
    withdrawn: dict[str, datetime],
) -> None:
    at = bench()
    own = await at.issue()
    at.keys.kept[own.stored.id] = own.stored.model_copy(update=withdrawn)

    with pytest.raises(CreatorNotAdmitted):
        await at.issue(principal=calling_with(own))
    assert list(at.keys.kept) == [own.stored.id]


@pytest.mark.parametrize("expires_at", [NOW, NOW - timedelta(microseconds=1)])
async def test_a_key_that_would_be_expired_already_is_not_created(expires_at: datetime) -> None:
    at = bench()

    with pytest.raises(ExpiryInThePast):
        await at.issue(expires_at=expires_at)
    assert not at.keys.kept


async def test_a_caller_without_a_project_must_name_one() -> None:
    with pytest.raises(ProjectRequired):
        await bench().issue(principal=caller(project_id=None))


async def test_a_revocation_is_committed_before_the_gateway_is_told() -> None:
    at = bench()
    issued = await at.issue()

    await at.service.revoke(caller(), issued.stored.id)

    assert at.admission.refused == [(issued.stored.key_hash, True)]


async def test_a_revocation_that_the_gateway_did_not_hear_of_can_be_finished() -> None:
    at = bench()
    issued = await at.issue()
    at.admission.down = True
    with pytest.raises(RevocationUnfinished):
        await at.service.revoke(caller(), issued.stored.id)
    assert at.keys.kept[issued.stored.id].revoked_at == NOW

    at.admission.down = False
    await at.service.revoke(caller(), issued.stored.id)

    assert len(at.admission.refused) == 1


async def test_revoking_an_unknown_key_tells_nobody() -> None:
    at = bench()

    with pytest.raises(UnknownKey):
        await at.service.revoke(caller(), new_id())
    assert (at.admission.refused, at.events.announced) == ([], [])


async def test_a_new_key_is_announced_without_its_digest() -> None:
    at = bench()

    issued = await at.issue(limits=OWN, expires_at=OWN_EXPIRY)

    ((event, aggregate_id),) = at.events.announced
    assert isinstance(event, ApiKeyCreated)
    assert aggregate_id == event.key_id == issued.stored.id
    assert issued.stored.key_hash not in event.model_dump_json()


async def test_a_revocation_is_announced_once_however_often_it_is_asked_for() -> None:
    at = bench()
    issued = await at.issue()

    for _ in range(2):
        await at.service.revoke(caller(), issued.stored.id)

    revocations = [event for event, _ in at.events.announced if isinstance(event, ApiKeyRevoked)]
    assert revocations == [ApiKeyRevoked(org_id=ORG, key_id=issued.stored.id, revoked_at=NOW)]


@given(count=st.integers(0, 7), limit=st.integers(1, 4))
async def test_following_the_cursors_shows_every_key_once(count: int, limit: int) -> None:
    at = bench()
    for _ in range(count):
        await at.issue()

    seen: list[UUID] = []
    before: UUID | None = None
    while True:
        page, before = await at.service.page(caller(), before=before, limit=limit)
        seen += [key.id for key in page]
        if before is None:
            break
    assert seen == sorted(at.keys.kept, reverse=True)
