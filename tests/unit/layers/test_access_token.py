"""What RFC 8725 wants refused, is refused: nothing in a token chooses how it is verified."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from llmo_auth.access_token import AccessToken, AccessTokenExpired, AccessTokens, NotAnAccessToken, key_id
from llmo_core.ids import new_id

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
ISSUER = "https://llmo.example"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = PRIVATE.public_key()
TOKENS = AccessTokens(issuer=ISSUER, audience=ISSUER)
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "key-1"}


@dataclass(frozen=True)
class Key:
    kid: str = "key-1"
    private_key: Any = PRIVATE


TOKEN = AccessToken(
    user_id=new_id(),
    org_id=new_id(),
    session_id=new_id(),
    scope=frozenset({"keys:read", "llm:call"}),
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    id=new_id(),
)


def claims(**changed: Any) -> dict[str, Any]:
    made = jwt.decode(TOKENS.sign(TOKEN, Key()), options={"verify_signature": False})
    return {name: value for name, value in (made | changed).items() if value is not ...}


def signed(claims: dict[str, Any], *, key: Any = PRIVATE, algorithm: str = "ES256", **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": "at+jwt", "kid": "key-1"} | headers)


def refused(text: str) -> None:
    with pytest.raises(NotAnAccessToken):
        TOKENS.verify(text, PUBLIC, NOW)


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def test_what_was_signed_is_what_is_verified() -> None:
    text = TOKENS.sign(TOKEN, Key())

    assert TOKENS.verify(text, PUBLIC, NOW) == TOKEN
    assert jwt.get_unverified_header(text) == HEADER
    assert key_id(text) == "key-1"


def test_a_token_without_a_signature_is_refused() -> None:
    body = encode(json.dumps(claims()).encode())
    for algorithm in ("none", "None", "NONE"):
        refused(f"{encode(json.dumps(HEADER | {'alg': algorithm}).encode())}.{body}.")
    refused(f"{encode(json.dumps(HEADER).encode())}.{body}.")


def test_a_public_key_is_no_shared_secret() -> None:
    pem = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = encode(json.dumps(HEADER | {"alg": "HS256"}).encode())
    body = encode(json.dumps(claims()).encode())
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), pem)
    refused(f"{head}.{body}.{encode(signature)}")


def test_another_algorithm_is_refused_even_with_a_good_signature() -> None:
    refused(signed(claims(), key=rsa.generate_private_key(65537, 2048), algorithm="RS256"))
    refused(signed(claims(), key=ec.generate_private_key(ec.SECP384R1()), algorithm="ES384"))


def test_another_keys_signature_is_refused() -> None:
    refused(signed(claims(), key=ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"])
def test_a_header_that_names_keys_of_its_own_or_asks_for_extensions_is_refused(name: str) -> None:
    value: Any = {"crit": ["exp"], "b64": False}.get(name, "https://attacker.example/keys")
    refused(signed(claims(), **{name: value}))


@pytest.mark.parametrize("kid", [None, 7, ["key-1"], {"key": 1}])
def test_a_key_id_that_is_no_text_is_refused(kid: object) -> None:
    head = encode(json.dumps(HEADER | {"kid": kid}).encode())
    refused(f"{head}.{encode(json.dumps(claims()).encode())}.c2ln")


@pytest.mark.parametrize("kid", ["../../../dev/null", "' OR 1=1 --", "key-1\x00", "http://attacker.example"])
def test_a_key_id_is_a_name_to_look_up_and_nothing_else(kid: str) -> None:
    assert key_id(signed(claims(), kid=kid)) == kid


@pytest.mark.parametrize("type_", ["JWT", "jwt", "application/at+jwt", "id+jwt", "", None])
def test_another_type_of_token_is_refused(type_: str | None) -> None:
    refused(signed(claims(), typ=type_))


def test_a_header_that_names_a_member_twice_is_refused() -> None:
    good = TOKENS.sign(TOKEN, Key())
    head = '{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"key-1"}'
    refused(f"{encode(head.encode())}.{good.partition('.')[2]}")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://attacker.example"},
        {"iss": ISSUER + "/"},
        {"aud": "https://other.example"},
        {"aud": []},
        {"aud": [ISSUER]},
        {"aud": f"{ISSUER}/"},
        {"aud": f"{ISSUER}/api/v1/"},
        {"aud": f"{ISSUER}/api/v1/analytics/usage"},
        {"aud": f"{ISSUER}/api/v1/*"},
        {"aud": f"{ISSUER}.attacker.example/api/v1/analytics"},
        {"sub": "nobody"},
        {"org_id": "1"},
        {"sid": 7},
        {"scope": ["keys:read"]},
        {"client_id": "somebody"},
        {"sid": ..., "client_id": str(new_id())},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"iat": int((NOW + timedelta(minutes=5)).timestamp())},
        {"nbf": int((NOW + timedelta(minutes=5)).timestamp())},
        *({name: ...} for name in ("iss", "aud", "sub", "sid", "scope", "iat", "exp", "jti")),
    ],
)
def test_a_claim_that_is_wrong_missing_or_in_the_future_is_refused(changed: dict[str, Any]) -> None:
    refused(signed(claims(**changed)))


def test_a_token_is_refused_from_the_moment_it_expires() -> None:
    text = TOKENS.sign(TOKEN, Key())

    TOKENS.verify(text, PUBLIC, NOW + timedelta(minutes=14, seconds=59))
    with pytest.raises(AccessTokenExpired):
        TOKENS.verify(text, PUBLIC, NOW + timedelta(minutes=15))


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    text = TOKENS.sign(TOKEN, Key())
    head, body, signature = text.split(".")
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    refused(f"{head}.{encode(bytes(raw))}.{signature}")


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_what_is_no_token_is_refused(text: str) -> None:
    refused(text)


def test_a_huge_token_is_refused_before_it_is_read() -> None:
    refused(signed(claims(extra="x" * 10_000)))


def test_a_token_for_one_service_says_which() -> None:
    account = new_id()
    bound = TOKEN.model_copy(
        update={"user_id": account, "client_id": account, "session_id": None, "service": "analytics"}
    )
    text = TOKENS.sign(bound, Key())

    assert TOKENS.verify(text, PUBLIC, NOW) == bound
    assert jwt.decode(text, options={"verify_signature": False})["aud"] == f"{ISSUER}/api/v1/analytics"
