"""What an issuer publishes as its keys: odd ones are left out, and never break what the good ones say."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey
from redis.asyncio import Redis

from auth.federation.models import IdentityRefused, ProviderUnavailable
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.identity_provider import identity_provider
from tests.integration.auth.abroad import Abroad, abroad
from tests.integration.auth.test_second_factors import made

_NUMBER = "AQAB"
ODD: dict[str, Any] = {
    "no kty": {"n": _NUMBER, "e": _NUMBER},
    "empty": {},
    "unknown kty": {"kty": "AKP", "alg": "ML-DSA-44", "pub": _NUMBER},
    "kty that is no text": {"kty": 7},
    "kty that is a list": {"kty": ["RSA"]},
    "kty that is an object": {"kty": {"RSA": 1}},
    "kty in small letters": {"kty": "rsa", "n": _NUMBER, "e": _NUMBER},
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0"},
    "a text": "RSA",
    "a number": 7,
    "nothing": None,
    "a list": [{"kty": "RSA"}],
    "RSA without numbers": {"kty": "RSA"},
    "RSA without its exponent": {"kty": "RSA", "n": _NUMBER},
    "RSA of what is not base64": {"kty": "RSA", "n": "!!", "e": "??"},
    "RSA of no text": {"kty": "RSA", "n": 65537, "e": 3},
    "RSA of empty numbers": {"kty": "RSA", "n": "", "e": ""},
    "RSA of a tiny number": {"kty": "RSA", "n": _NUMBER, "e": _NUMBER},
    "RSA of zeros": {"kty": "RSA", "n": "AA", "e": "AA"},
    "EC of no curve": {"kty": "EC", "x": _NUMBER, "y": _NUMBER},
    "EC of an unknown curve": {"kty": "EC", "crv": "P-9", "x": _NUMBER, "y": _NUMBER},
    "EC of a point that is on no curve": {"kty": "EC", "crv": "P-256", "x": _NUMBER, "y": _NUMBER},
    "EC of no text": {"kty": "EC", "crv": 256, "x": [], "y": {}},
    "use that is a list": {"kty": "RSA", "use": ["sig"], "n": _NUMBER, "e": _NUMBER},
    "kid that is no text": {"kty": "RSA", "kid": 7, "n": _NUMBER, "e": _NUMBER},
    "operations that are no list": {"kty": "RSA", "key_ops": 7, "n": _NUMBER, "e": _NUMBER},
}


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> AsyncIterator[Abroad]:
    """Somebody who has an account at a provider only."""
    safe = await made(auth_database, authorizer_database, redis_client)
    async with identity_provider(safe.home.clock.now) as fake:
        fake.email = f"{new_id()}@example.com"
        yield abroad(safe.home, auth_database, redis_client, fake)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_key_beside_a_good_one_is_left_out_also_under_its_name(ada: Abroad, odd: object) -> None:
    ada.provider.lies.odd_keys = [odd, *([{"kid": "one"} | odd] if isinstance(odd, dict) else [])]

    await ada.home.principal(await ada.sign_in())


async def test_all_of_them_beside_a_good_one_are_left_out(ada: Abroad) -> None:
    ada.provider.lies.odd_keys = [*ODD.values()]

    await ada.home.principal(await ada.sign_in())


@pytest.mark.parametrize("odd", [[], *([key] for key in ODD.values()), [*ODD.values()]], ids=["none", *ODD, "all"])
async def test_odd_keys_alone_sign_nobody_in(ada: Abroad, odd: list[Any]) -> None:
    ada.provider.lies.odd_keys, ada.provider.lies.withheld = odd, True

    with pytest.raises(IdentityRefused):
        await ada.sign_in()


async def test_a_key_for_encryption_verifies_nothing(ada: Abroad) -> None:
    for_encryption = ada.provider._key.as_dict(private=False, use="enc")
    ada.provider.lies.odd_keys, ada.provider.lies.withheld = [for_encryption], True

    with pytest.raises(IdentityRefused):
        await ada.sign_in()


async def test_a_key_for_encryption_beside_the_one_that_signs_is_left_out(ada: Abroad) -> None:
    other = RSAKey.generate_key(2048, {"kid": "one"})
    ada.provider.lies.odd_keys = [other.as_dict(private=False, use="enc")]

    await ada.home.principal(await ada.sign_in())


@pytest.mark.parametrize(
    "document", [[], {}, 7, "keys", {"keys": 7}, {"keys": {"kty": "RSA"}}, {"keys": "RSA"}, {"key": []}]
)
async def test_a_document_that_has_no_list_of_keys_signs_nobody_in(ada: Abroad, document: object) -> None:
    ada.provider.lies.jwks = document

    with pytest.raises((IdentityRefused, ProviderUnavailable)):
        await ada.sign_in()
