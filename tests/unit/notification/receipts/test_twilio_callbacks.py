"""What Twilio's callbacks tell, and who may tell it."""

from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from llmo_core.ids import new_id
from local.vendors.message_webhooks import twilio_signature
from notification.models import Status
from notification.receipts.models import MalformedReceipts, NotSigned, NoVerificationKey, Suppression
from notification.receipts.twilio_callbacks import CallbackSignatures, read_callback, read_form
from tests.clocks import NOON

MESSAGE, ORG = str(new_id()), str(new_id())
QUERY = {"message_id": MESSAGE, "org_id": ORG}
URL = f"https://llmo.example/webhooks/twilio?{urlencode(QUERY)}"
SID = "SM" + "0a" * 16
FORM = {"MessageSid": SID, "MessageStatus": "delivered", "To": "+4915112345678", "Body": "ü €"}
SIGNATURES = CallbackSignatures("token", "https://llmo.example/")


def test_what_twilios_own_sdk_signs_is_taken() -> None:
    SIGNATURES.require(FORM, QUERY, RequestValidator("token").compute_signature(URL, FORM))


@pytest.mark.parametrize("public_url", ["https://llmo.example:8443", "http://127.0.0.1:8080"])
def test_a_port_may_be_signed_or_not(public_url: str) -> None:
    signatures = CallbackSignatures("token", public_url)
    url = URL.replace("https://llmo.example", public_url)
    signatures.require(FORM, QUERY, twilio_signature(url, FORM, "token"))
    without = url.replace(":8443", "").replace(":8080", "")
    signatures.require(FORM, QUERY, twilio_signature(without, FORM, "token"))


@pytest.mark.parametrize(
    ("form", "query", "token"),
    [
        ({**FORM, "MessageStatus": "failed"}, QUERY, "token"),
        ({**FORM, "More": "1"}, QUERY, "token"),
        (FORM, {**QUERY, "message_id": str(new_id())}, "token"),
        (FORM, {**QUERY, "org_id": ""}, "token"),
        (FORM, {}, "token"),
        (FORM, QUERY, "another"),
    ],
)
def test_what_is_of_another_form_message_or_account_is_refused(
    form: dict[str, str], query: dict[str, str], token: str
) -> None:
    with pytest.raises(NotSigned):
        SIGNATURES.require(form, query, twilio_signature(URL, FORM, token))


@pytest.mark.parametrize("signature", [None, "", "ä", "x" * 28])
def test_whatever_is_no_signature_is_refused(signature: str | None) -> None:
    with pytest.raises(NotSigned):
        SIGNATURES.require(FORM, QUERY, signature)


def test_without_a_token_nothing_can_be_verified() -> None:
    with pytest.raises(NoVerificationKey):
        CallbackSignatures(" ", "https://llmo.example")


@pytest.mark.parametrize(
    ("status", "code", "expected", "suppression"),
    [
        ("queued", "", Status.SENT, None),
        ("sent", "", Status.SENT, None),
        ("delivered", "", Status.DELIVERED, None),
        ("read", "", Status.OPENED, None),
        ("undelivered", "30003", Status.FAILED, None),
        ("undelivered", "30005", Status.BOUNCED, Suppression.BOUNCED),
        ("failed", "30006", Status.BOUNCED, Suppression.BOUNCED),
        ("failed", "21610", Status.FAILED, Suppression.UNSUBSCRIBED),
        ("delivered", "30005", Status.DELIVERED, None),
    ],
)
def test_what_callbacks_mean(status: str, code: str, expected: Status, suppression: Suppression | None) -> None:
    receipt = read_callback({**FORM, "MessageStatus": status, "ErrorCode": code}, QUERY, NOON)
    assert receipt is not None
    assert (receipt.status, receipt.suppression) == (expected, suppression)
    assert receipt.event_id == f"{SID}:{status}"
    assert str(receipt.message_id) == MESSAGE


def test_a_status_that_nobody_knows_is_no_news() -> None:
    assert read_callback({**FORM, "MessageStatus": "teleported"}, QUERY, NOON) is None


@pytest.mark.parametrize(
    ("form", "query"),
    [({**FORM, "MessageSid": "SM1"}, QUERY), ({**FORM, "MessageSid": "a\x00" * 17}, QUERY), (FORM, {}), ({}, QUERY)],
)
def test_what_names_no_message_is_refused(form: dict[str, str], query: dict[str, str]) -> None:
    with pytest.raises(MalformedReceipts):
        read_callback(form, query, NOON)


@pytest.mark.parametrize("body", [b"\xff=1", b"a=%ff", b"a=1&a=2", b"&".join(b"a%d=1" % n for n in range(200))])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedReceipts):
        read_form(body)


@pytest.mark.parametrize(("to", "address"), [("+491701234567", "+491701234567"), ("", None), ("whatsapp:+49", None)])
def test_it_says_where_the_text_went(to: str, address: str | None) -> None:
    receipt = read_callback({**FORM, "MessageStatus": "delivered", "To": to}, QUERY, NOON)
    assert receipt is not None
    assert receipt.address == address
