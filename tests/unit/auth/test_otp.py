"""Codes of authenticator apps: RFC 6238, half a minute of drift, and no step of time twice."""

import base64
from datetime import UTC, datetime

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.second_factors.models import Totp
from auth.second_factors.otp import SealedCodes
from llmo_auth.sealing import Seal, Unsealable
from llmo_core.ids import new_id

CODES = SealedCodes(b"pepper")
USER = new_id()
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


def enrolled(secret: str, *, last_step: int | None = None) -> Totp:
    sealed = Seal(b"pepper", b"totp secrets").close(secret.encode(), under=USER.bytes, about=USER.bytes)
    return Totp(user_id=USER, secret=sealed, created_at=datetime.now(UTC), last_step=last_step)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)

    assert CODES.step(enrolled(RFC_SECRET), code, now) == seconds // 30


@given(
    seconds=st.integers(10**9, 4 * 10**9),
    off=st.integers(-4, 4),
    last=st.none() | st.integers(-3, 3),
)
def test_a_code_is_accepted_if_and_only_if_it_is_of_about_now_and_later_than_the_last(
    seconds: int, off: int, last: int | None
) -> None:
    secret, present = pyotp.random_base32(), seconds // 30
    last_step = present + last if last is not None else None
    code = pyotp.TOTP(secret).generate_otp(present + off)

    step = CODES.step(enrolled(secret, last_step=last_step), code, datetime.fromtimestamp(seconds, UTC))

    later = last is None or off > last
    others = {pyotp.TOTP(secret).generate_otp(present + near) for near in (-1, 0, 1) if near != off}
    if code not in others:  # two steps may have the same code
        assert step == (present + off if abs(off) <= 1 and later else None)


@given(code=st.text(max_size=12))
def test_what_is_no_code_is_refused(code: str) -> None:
    secret, now = pyotp.random_base32(), datetime(2026, 8, 17, 12, tzinfo=UTC)
    right = {pyotp.TOTP(secret).at(now, counter_offset=near) for near in (-1, 0, 1)}
    if code not in right:
        assert CODES.step(enrolled(secret), code, now) is None


def test_a_secret_is_sealed_for_its_person() -> None:
    text, sealed = CODES.new(USER)
    now = datetime(2026, 8, 17, 12, tzinfo=UTC)
    own = Totp(user_id=USER, secret=sealed, created_at=now)

    assert text.encode() not in sealed
    assert CODES.step(own, pyotp.TOTP(text).at(now), now) is not None
    with pytest.raises(Unsealable):
        CODES.step(own.model_copy(update={"user_id": new_id()}), "123456", now)
