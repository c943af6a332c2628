"""What SES's events tell."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from llmo_core.ids import new_id
from notification.models import Status
from notification.receipts.models import MalformedReceipts, Receipt, Suppression
from notification.receipts.ses_events import read_event
from tests.clocks import NOON

EVENTS = Path(__file__).parents[4] / "events" / "SesReceiptsFunction"
OURS = new_id()
SES_ID = "0102019ab8c3d2e4-1d2b3c4d-0000-4000-8000-000000000001-000000"
MOMENT = NOON - timedelta(seconds=5)
BOUNCED = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": [{"emailAddress": "a@example.com", "diagnosticCode": "smtp; 550 5.1.1\nuser unknown"}],
    "feedbackId": "feedback-1",
}
DELAYED = {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": "a@example.com"}]}


def event(kind: str, part: str, told: dict[str, Any] | None = None, **mail: Any) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "messageId": SES_ID,
        "timestamp": (MOMENT - timedelta(minutes=1)).isoformat(),
        "destination": ["a@example.com"],
        "tags": {"ses:configuration-set": ["mails"], "message_id": [str(OURS)]},
    }
    more = {"timestamp": MOMENT.isoformat().replace("+00:00", "Z"), **(told or {})}
    return {
        "source": "aws.ses",
        "detail-type": "of the rule",
        "detail": {"eventType": kind, part: more, "mail": sent | mail},
    }


def read(told: dict[str, Any]) -> Receipt | None:
    return read_event(json.dumps(told), NOON)


@pytest.mark.parametrize(
    ("told", "status", "suppression"),
    [
        (event("Send", "send"), Status.SENT, None),
        (event("Delivery", "delivery"), Status.DELIVERED, None),
        (event("DeliveryDelay", "deliveryDelay", DELAYED), Status.SENT, None),
        (event("Reject", "reject", {"reason": "Bad content"}), Status.FAILED, None),
        (event("Bounce", "bounce", BOUNCED), Status.BOUNCED, Suppression.BOUNCED),
        (event("Bounce", "bounce", BOUNCED | {"bounceType": "Transient"}), Status.FAILED, None),
        (event("Bounce", "bounce", BOUNCED | {"bounceType": "Undetermined"}), Status.FAILED, None),
        (event("Complaint", "complaint", {"feedbackId": "1"}), Status.COMPLAINED, Suppression.COMPLAINED),
        (
            event("Complaint", "complaint", {"complaintFeedbackType": "abuse"}),
            Status.COMPLAINED,
            Suppression.COMPLAINED,
        ),
        (
            event("Complaint", "complaint", {"complaintSubType": "OnAccountSuppressionList"}),
            Status.FAILED,
            Suppression.COMPLAINED,
        ),
    ],
)
def test_an_event_says_what_becomes_of_a_message_and_its_address(
    told: dict[str, Any], status: Status, suppression: Suppression | None
) -> None:
    receipt = read(told)
    assert receipt is not None
    assert (receipt.status, receipt.suppression) == (status, suppression)
    assert (receipt.provider, receipt.message_id, receipt.provider_id) == ("ses", OURS, SES_ID)
    assert receipt.occurred_at == MOMENT
    assert receipt.address == "a@example.com"


@pytest.mark.parametrize("sample", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_samples_suppress(sample: Path) -> None:
    (record,) = json.loads(sample.read_text())["Records"]
    receipt = read_event(record["body"], NOON)
    assert receipt is not None
    assert receipt.suppression is not None


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (event("Bounce", "bounce", BOUNCED), "smtp; 550 5.1.1 user unknown"),
        (event("Bounce", "bounce", BOUNCED | {"bouncedRecipients": []}), "Permanent, General"),
        (event("DeliveryDelay", "deliveryDelay", DELAYED), "MailboxFull"),
        (event("Reject", "reject", {"reason": "Bad content"}), "Bad content"),
        (event("Send", "send"), None),
        (event("Complaint", "complaint", {"complaintSubType": "OnAccountSuppressionList"}), "OnAccountSuppressionList"),
        (event("Complaint", "complaint", {"complaintFeedbackType": "abuse"}), None),
    ],
)
def test_it_says_why(told: dict[str, Any], reason: str | None) -> None:
    receipt = read(told)
    assert receipt is not None
    assert receipt.reason == reason


def test_what_is_told_twice_is_known_again_and_what_happens_twice_is_not() -> None:
    first = read(event("Bounce", "bounce", BOUNCED))
    again = read({**event("Bounce", "bounce", BOUNCED), "id": "another delivery of EventBridge's"})
    later = read(event("DeliveryDelay", "deliveryDelay", DELAYED | {"timestamp": NOON.isoformat()}))
    sooner = read(event("DeliveryDelay", "deliveryDelay", DELAYED))
    ids = [each.event_id for each in (first, again, later, sooner) if each is not None]
    assert ids[0] == ids[1]
    assert len({*ids}) == 3
    assert max(len(each) for each in ids) <= 200


@pytest.mark.parametrize(
    "told",
    [
        event("Open", "open"),
        event("Complaint", "complaint", {"complaintFeedbackType": "not-spam"}),
        event("Bounce", "bounce", BOUNCED, tags={}),
        event("Bounce", "bounce", BOUNCED, tags={"message_id": ["of somebody else"]}),
        event("Bounce", "bounce", BOUNCED, tags={"message_id": [str(OURS), str(OURS)]}),
        event("Bounce", "bounce", BOUNCED, messageId=None) | {"detail": {"eventType": "Bounce", "mail": {"tags": {}}}},
    ],
)
def test_what_is_about_no_message_of_ours_or_says_nothing_is_left_out(told: dict[str, Any]) -> None:
    assert read(told) is None


@pytest.mark.parametrize(
    ("destination", "address"),
    [
        (["Ada <ada@example.com>"], "ada@example.com"),
        (["a@example.com", "b@example.com"], None),
        ([], None),
        ("a@example.com", None),
        ([f"{'a' * 400}@example.com"], None),
    ],
)
def test_an_address_is_of_one_recipient(destination: object, address: str | None) -> None:
    receipt = read(event("Bounce", "bounce", BOUNCED, destination=destination))
    assert receipt is not None
    assert receipt.address == address


@pytest.mark.parametrize("timestamp", [None, 5, "yesterday", (NOON + timedelta(days=1)).isoformat()])
def test_nothing_happens_in_the_future(timestamp: object) -> None:
    told = event("Delivery", "delivery", {"timestamp": timestamp}, timestamp=timestamp)
    receipt = read(told)
    assert receipt is not None
    assert receipt.occurred_at == NOON


@pytest.mark.parametrize(
    "body",
    ["", "[]", "1", "{}", '{"source": "aws.ses"}', "[" * 100_000, json.dumps(event("Send", "send") | {"source": "x"})],
)
def test_what_is_no_event_of_ses_is_refused(body: str) -> None:
    with pytest.raises(MalformedReceipts):
        read_event(body, NOON)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(kind=st.sampled_from(["Send", "Bounce", "Complaint", "DeliveryDelay", "?"]), told=JSON, mail=JSON, tags=JSON)
def test_whatever_a_part_is_it_is_a_receipt_or_none(kind: str, told: object, mail: object, tags: object) -> None:
    parts = {"bounce": told, "complaint": told, "deliveryDelay": told, "send": told}
    sent = {"messageId": mail, "timestamp": mail, "destination": mail, "tags": {"message_id": [str(OURS)], "x": tags}}
    body = json.dumps({"source": "aws.ses", "detail": {"eventType": kind, "mail": sent, **parts}})
    receipt = read_event(body, NOON)
    assert receipt is None or receipt.message_id == OURS
