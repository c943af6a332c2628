"""Rotation of signing keys: published before they sign, kept while their tokens live."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from auth.sign_in.models import HeldKey, NoSigningKey, PublishedKey
from auth.sign_in.signing import Signer, new_key, publish
from auth.sign_in.signing_keys import ANNOUNCED, PERIOD, SigningKeyService
from authorizer.key_set import KeySet
from llmo_auth.access_token import LIFETIME, AccessToken, AccessTokens, key_id
from llmo_core.errors import Unavailable
from llmo_core.ids import new_id

START = datetime(2026, 8, 17, 12, tzinfo=UTC)
ISSUER = "https://llmo.example"
HOUR = timedelta(hours=1)


@dataclass
class House:
    """Both halves, and the clock."""

    now_: datetime = START
    held: list[HeldKey] = field(default_factory=list)
    shown: dict[str, PublishedKey] = field(default_factory=dict)
    broken: bool = False

    def now(self) -> datetime:
        return self.now_

    def read(self) -> Sequence[HeldKey]:
        return list(self.held)

    def write(self, keys: Sequence[HeldKey]) -> None:
        if self.broken:
            raise Unavailable
        self.held = list(keys)

    @asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        yield

    async def all(self) -> Sequence[PublishedKey]:
        return list(self.shown.values())

    async def add(self, key: PublishedKey) -> None:
        self.shown.setdefault(key.kid, key)

    async def withdraw(self, kids: Sequence[str]) -> None:
        for kid in kids:
            del self.shown[kid]

    @property
    def service(self) -> SigningKeyService:
        return SigningKeyService(
            private=self, published=self, new_key=new_key, publish=publish, clock=self, new_id=new_id
        )

    async def published_set(self) -> dict[str, dict[str, object]]:
        if self.broken:
            raise Unavailable
        return {kid: dict(key.public_key) for kid, key in self.shown.items()}


def token(now: datetime) -> AccessToken:
    return AccessToken(
        user_id=new_id(),
        org_id=new_id(),
        session_id=new_id(),
        scope=frozenset(),
        issued_at=now,
        expires_at=now + LIFETIME,
        id=new_id(),
    )


def signer(house: House) -> Signer:
    return Signer(keys=house, tokens=AccessTokens(issuer=ISSUER, audience=ISSUER), clock=house)


async def test_the_first_key_signs_at_once() -> None:
    house = House()
    with pytest.raises(NoSigningKey):
        signer(house).sign(token(START))

    done = await house.service.rotate()

    assert key_id(signer(house).sign(token(START))) == done.made[0]
    assert (await house.service.rotate()).made == []


async def test_over_a_year_every_token_verifies_with_keys_that_were_published_a_day_before() -> None:
    house = House()
    await house.service.rotate()
    tokens, made = AccessTokens(issuer=ISSUER, audience=ISSUER), set()
    signs = signer(house)
    yesterday: list[set[str]] = []
    while house.now_ < START + timedelta(days=365):
        house.now_ += HOUR
        await house.service.rotate()
        yesterday.append(set(house.shown))
        text = signs.sign(token(house.now_))
        kid = key_id(text)
        made.add(kid)
        assert kid in yesterday[max(0, len(yesterday) - 24)]
        tokens.verify(text, jwt.PyJWK({**house.shown[kid].public_key}).key, house.now_)
        assert len(house.shown) <= 3
        assert len(house.held) <= 3
    assert len(made) == 13


async def test_a_key_stays_published_while_a_token_of_it_can_live() -> None:
    house = House()
    first = (await house.service.rotate()).made[0]
    signs = signer(house)
    house.now_ = START + PERIOD - ANNOUNCED
    second = (await house.service.rotate()).made[0]
    house.now_ = START + PERIOD
    assert key_id(signs.sign(token(house.now_))) == second

    house.now_ += LIFETIME
    assert first in (await house.service.rotate()).published
    house.now_ += HOUR
    assert (await house.service.rotate()).retired == [first]


async def test_when_all_private_halves_are_lost_a_new_key_signs_at_once_and_old_tokens_stay_good() -> None:
    house = House()
    first = (await house.service.rotate()).made[0]
    house.held, house.now_ = [], START + 100 * HOUR

    second = (await house.service.rotate()).made[0]

    assert key_id(signer(house).sign(token(house.now_))) == second
    assert house.shown.keys() == {first, second}
    house.now_ += HOUR
    assert (await house.service.rotate()).retired == []
    house.now_ += LIFETIME
    assert (await house.service.rotate()).retired == [first]


async def test_a_key_that_could_not_be_held_is_never_signed_with_and_is_withdrawn_later() -> None:
    house = House()
    await house.service.rotate()
    house.now_, house.broken = START + PERIOD - ANNOUNCED, True
    with pytest.raises(Unavailable):
        await house.service.rotate()
    assert len(house.shown) == 2

    house.broken = False
    done = await house.service.rotate()
    house.now_ += 2 * HOUR

    assert len(done.made) == 1
    assert len((await house.service.rotate()).retired) == 1
    assert house.shown.keys() == {key.kid for key in house.held}


async def test_the_authorizer_looks_again_for_a_new_name_but_not_for_every_invented_one() -> None:
    house = House()
    looks = 0

    async def published() -> dict[str, dict[str, object]]:
        nonlocal looks
        looks += 1
        return await house.published_set()

    keys = KeySet(published=published, clock=house)
    for _ in range(100):
        with pytest.raises(Exception, match="names no key of ours"):
            await keys.key("invented")
    assert looks == 1

    kid = (await house.service.rotate()).made[0]
    house.now_ += timedelta(seconds=10)
    await keys.key(kid)
    assert looks == 2


async def test_the_authorizer_lives_on_its_copy_for_an_hour_without_a_database() -> None:
    house = House()
    kid = (await house.service.rotate()).made[0]
    keys = KeySet(published=house.published_set, clock=house)
    await keys.key(kid)
    house.broken = True

    house.now_ += timedelta(minutes=59)
    await keys.key(kid)
    house.now_ += timedelta(minutes=1)
    with pytest.raises(Unavailable):
        await keys.key(kid)
