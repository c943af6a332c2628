"""What SendGrid's events tell, and who may tell it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from llmo_core.ids import new_id
from local.vendors.message_webhooks import SIGNATURE, TIMESTAMP, EventKey
from notification.models import Status
from notification.receipts.models import MalformedReceipts, NotSigned, NoVerificationKey, Suppression
from notification.receipts.sendgrid_events import EventSignatures, read_events
from tests.clocks import NOON, MovableClock

BODY = b'[{"event": "delivered"}]'
KEY = EventKey()


def event(**changed: Any) -> dict[str, Any]:
    made = {
        "email": "a@example.com",
        "timestamp": int(NOON.timestamp()) - 5,
        "event": "delivered",
        "sg_event_id": "abc-_1==",
        "sg_message_id": "id1.recvd-0001",
        "message_id": str(new_id()),
    }
    return made | changed


def signed(body: bytes = BODY, at: datetime = NOON) -> tuple[str, str]:
    headers = KEY.headers(body, at=int(at.timestamp()))
    return headers[SIGNATURE], headers[TIMESTAMP]


def test_what_sendgrid_signed_is_taken() -> None:
    EventSignatures(KEY.public, MovableClock()).require(BODY, *signed())


@pytest.mark.parametrize("body", [b"", BODY + b" ", b"[]"])
def test_what_was_changed_is_not(body: bytes) -> None:
    with pytest.raises(NotSigned):
        EventSignatures(KEY.public, MovableClock()).require(body, *signed())


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_is_old_or_of_the_future_is_not(seconds: int) -> None:
    signature, timestamp = signed(at=NOON + timedelta(seconds=seconds))
    with pytest.raises(NotSigned):
        EventSignatures(KEY.public, MovableClock()).require(BODY, signature, timestamp)


def test_a_signature_is_of_its_own_timestamp() -> None:
    signature, _ = signed(at=NOON - timedelta(days=1))
    with pytest.raises(NotSigned):
        EventSignatures(KEY.public, MovableClock()).require(BODY, signature, str(int(NOON.timestamp())))


def test_nobody_else_can_sign() -> None:
    with pytest.raises(NotSigned):
        EventSignatures(EventKey().public, MovableClock()).require(BODY, *signed())


@given(signature=st.none() | st.text(max_size=600), timestamp=st.none() | st.text(max_size=20))
def test_whatever_is_no_signature_is_refused(signature: str | None, timestamp: str | None) -> None:
    with pytest.raises(NotSigned):
        EventSignatures(KEY.public, MovableClock()).require(BODY, signature, timestamp)


@pytest.mark.parametrize("key", ["", "unset", "AAAA", KEY.public[:-8]])
def test_without_a_key_nothing_can_be_verified(key: str) -> None:
    with pytest.raises(NoVerificationKey):
        EventSignatures(key, MovableClock())


@pytest.mark.parametrize(
    ("told", "status", "suppression"),
    [
        ({"event": "processed"}, Status.SENT, None),
        ({"event": "deferred"}, Status.SENT, None),
        ({"event": "delivered"}, Status.DELIVERED, None),
        ({"event": "open"}, Status.OPENED, None),
        ({"event": "click"}, Status.CLICKED, None),
        ({"event": "bounce", "type": "bounce"}, Status.BOUNCED, Suppression.BOUNCED),
        ({"event": "bounce", "type": "blocked"}, Status.FAILED, None),
        ({"event": "dropped", "reason": "Spam Content"}, Status.FAILED, None),
        ({"event": "dropped", "reason": "Bounced Address"}, Status.BOUNCED, Suppression.BOUNCED),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Status.FAILED, Suppression.UNSUBSCRIBED),
        ({"event": "spamreport"}, Status.COMPLAINED, Suppression.COMPLAINED),
        ({"event": "unsubscribe"}, Status.DELIVERED, Suppression.UNSUBSCRIBED),
    ],
)
def test_what_events_mean(told: dict[str, str], status: Status, suppression: Suppression | None) -> None:
    (receipt,) = read_events(json.dumps([event(**told)]).encode(), NOON)
    assert (receipt.status, receipt.suppression) == (status, suppression)
    assert receipt.provider_id == "id1"
    assert receipt.occurred_at == NOON - timedelta(seconds=5)


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": None},
        {"message_id": "not ours"},
        {"event": "group_resubscribe"},
        {"event": 5},
        {"sg_event_id": None},
        {"sg_event_id": "x" * 201},
        {"sg_event_id": "a\x00b"},
    ],
)
def test_what_is_not_about_our_messages_is_left_out_and_the_rest_is_taken(changed: dict[str, Any]) -> None:
    assert len(read_events(json.dumps([event(**changed), event()]).encode(), NOON)) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[1]", b"[" * 100_000, b"\xff", b'[{"event": "delivered"}'])
def test_what_is_no_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedReceipts):
        read_events(body, NOON)


@pytest.mark.parametrize("timestamp", [None, "x", True, 1e300, -1e300, 10**30, int(NOON.timestamp()) + 10])
def test_nothing_happened_in_the_future(timestamp: object) -> None:
    (receipt,) = read_events(json.dumps([event(timestamp=timestamp)]).encode(), NOON)
    assert receipt.occurred_at == NOON.astimezone(UTC)


def test_reasons_can_be_kept() -> None:
    said = "550\x00 no\r\nsuch \ud800 user" + "x" * 1000
    (receipt,) = read_events(json.dumps([event(event="bounce", reason=said)]).encode(), NOON)
    assert receipt.reason is not None
    assert receipt.reason.startswith("550 no such user")
    assert len(receipt.reason) == 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.sampled_from([*event(), "type", "reason", "response"]), json_values, max_size=8)))
def test_no_event_breaks_the_reading(events: list[dict[str, Any]]) -> None:
    for receipt in read_events(json.dumps(events).encode(), NOON):
        assert receipt.occurred_at <= NOON


@pytest.mark.parametrize(
    ("email", "address"), [("a@example.com", "a@example.com"), (None, None), (5, None), ("", None), ("a" * 400, None)]
)
def test_it_says_where_the_mail_went(email: object, address: str | None) -> None:
    (receipt,) = read_events(json.dumps([event(email=email)]).encode(), NOON)
    assert receipt.address == address
