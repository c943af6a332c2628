"""Only what Stripe has signed lately is taken."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.notices import (
    MalformedEvent,
    NotSignedByStripe,
    NoWebhookSecret,
    Signatures,
    read_event,
)
from billing.payments.webhook_wiring import signing_secrets

NOW = datetime(2027, 1, 1, tzinfo=UTC)
SECRET, NEXT = "whsec_one", "whsec_two"
BODY = b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"id": "re_1"}}}'


class Noon:
    def now(self) -> datetime:
        return NOW


def header(body: bytes = BODY, secret: str = SECRET, age: timedelta = timedelta()) -> str:
    """What Stripe's own SDK signs with."""
    at = int((NOW - age).timestamp())
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=at))


def require(body: bytes, signature: str | None, *secrets: str) -> None:
    Signatures(secrets or (SECRET,), Noon()).require(body, signature)


@given(body=st.text(max_size=50), secret=st.text("abcdef_0123", min_size=1, max_size=20))
def test_what_stripes_sdk_signs_is_signed(body: str, secret: str) -> None:
    require(body.encode("utf-8", "replace"), header(body.encode("utf-8", "replace"), secret), secret)


def test_two_secrets_are_good_while_one_replaces_the_other() -> None:
    for secret in (SECRET, NEXT):
        require(BODY, header(secret=secret), SECRET, NEXT)
    both = f"{header()},v1={header(secret=NEXT).partition('v1=')[2]}"
    require(BODY, both, NEXT)
    with pytest.raises(NotSignedByStripe):
        require(BODY, header(secret="whsec_old"), SECRET, NEXT)


@pytest.mark.parametrize("seconds", [0, 299, 300, -300])
def test_a_signature_is_good_for_five_minutes(seconds: int) -> None:
    require(BODY, header(age=timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [301, -301, 86_400])
def test_a_replayed_signature_is_refused(seconds: int) -> None:
    with pytest.raises(NotSignedByStripe):
        require(BODY, header(age=timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "nonsense",
        "t=,v1=",
        f"t={int(NOW.timestamp())}",
        f"v1={64 * 'a'}",
        f"t={int(NOW.timestamp())},v1={64 * 'a'}",
        f"t={int(NOW.timestamp())},v0={header().partition('v1=')[2]}",
        f"t=1,{header()}",
        header().replace("t=", "t=x"),
        header().upper(),
        header() + 5000 * ",v2=a",
        f"t={10**20},v1={64 * 'a'}",
    ],
)
def test_what_is_not_signed_is_refused(signature: str | None) -> None:
    with pytest.raises(NotSignedByStripe):
        require(BODY, signature)


def test_every_byte_is_signed() -> None:
    for changed in (BODY + b" ", BODY[:-1], BODY.replace(b"evt_1", b"evt_2"), b""):
        with pytest.raises(NotSignedByStripe):
            require(changed, header())


@pytest.mark.parametrize("secrets", [[], [""], ["  "], [SECRET, ""]])
def test_an_empty_secret_is_refused_at_the_start(secrets: list[str]) -> None:
    with pytest.raises(NoWebhookSecret):
        Signatures(secrets, Noon())


@pytest.mark.parametrize("text", ["", "unset", "{}", "null", "[1]", "[null]"])
def test_secrets_are_a_json_list_of_texts(text: str) -> None:
    with pytest.raises(NoWebhookSecret):
        signing_secrets(text)
    assert signing_secrets(f'["{SECRET}", "{NEXT}"]') == [SECRET, NEXT]


def test_of_an_event_its_name_and_its_objects_are_read() -> None:
    assert read_event(BODY).model_dump() == {"id": "evt_1", "type": "refund.created", "object_id": "re_1"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"null",
        b"{}",
        10_000 * b"[",
        b'{"id": "evt_1", "type": "x", "data": {"object": {}}}',
        b'{"id": 1, "type": "x", "data": {"object": {"id": "a"}}}',
        b'{"id": "", "type": "x", "data": {"object": {"id": "a"}}}',
        b'{"id": "a\\u0000", "type": "x", "data": {"object": {"id": "a"}}}',
        b'{"id": "' + 256 * b"a" + b'", "type": "x", "data": {"object": {"id": "a"}}}',
        b'{"id": "evt_1", "type": "x", "data": []}',
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        read_event(body)
