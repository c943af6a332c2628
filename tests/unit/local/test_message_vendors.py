"""What the stand-ins of those who send messages keep, and when they fail."""

import json
from pathlib import Path

from sendgrid import EventWebhook
from twilio.request_validator import RequestValidator

from local.messaging_vendors import MessagingVendors
from local.vendors.message_faults import Faults
from local.vendors.message_records import Records, links
from local.vendors.message_webhooks import SIGNATURE, TIMESTAMP, EventKey, twilio_signature


def test_what_was_sent_is_known_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    made = Records(file).add("email", "sendgrid", to="a@example.com", message_id="1")
    again = Records(file)
    assert again.find(made["id"]) == made
    again.clear()
    assert Records(file).newest() == []


def test_the_newest_comes_first_and_a_filter_asks_for_a_part_of_the_address() -> None:
    records = Records()
    for number in range(3):
        records.add("email", "sendgrid", to=f"user{number}@Example.com", text=f"https://x.example/{number}.")
    records.add("sms", "twilio", to="+4912345")
    assert [each["to"] for each in records.newest(to="@example.com", limit=2)] == [
        "user2@Example.com",
        "user1@Example.com",
    ]
    assert [each["links"] for each in records.newest(to="user0")] == [["https://x.example/0"]]
    assert [each["to"] for each in records.newest(channel="sms")] == ["+4912345"]


def test_duplicates_are_counted_by_our_own_ids() -> None:
    records = Records()
    for message_id in ("1", "2", "1"):
        records.add("email", "sendgrid", to="a@example.com", message_id=message_id)
    assert records.counts()["duplicates"] == {"1": 2}
    assert records.counts()["messages"] == 2
    assert records.counts()["accepted"] == 3


def test_links_are_found_in_texts_and_in_html() -> None:
    text = (
        'See https://a.example/x?y=1&z=2, or <a href="https://b.example/">b</a> (https://c.example). https://c.example'
    )
    assert links(text) == ["https://a.example/x?y=1&z=2", "https://b.example/", "https://c.example"]


def test_a_fault_ends_after_its_times_and_concerns_its_path_alone() -> None:
    faults = Faults()
    faults.add({"path": "/v3/.*", "status": 503, "times": 2})
    assert faults.next("POST", "/2010-04-01/Accounts") == {}
    assert [bool(faults.next("POST", "/v3/mail/send")) for _ in range(3)] == [True, True, False]


def test_a_share_of_requests_fails_and_the_same_ones_under_the_same_seed() -> None:
    def failed() -> list[bool]:
        faults = Faults()
        faults.add({"rate": 0.3, "seed": 7, "status": 500})
        return [bool(faults.next("POST", "/v3/mail/send")) for _ in range(1000)]

    assert 200 < sum(failed()) < 400
    assert failed() == failed()


def test_events_are_signed_as_the_sdk_verifies_them(tmp_path: Path) -> None:
    key = EventKey(tmp_path / "key.pem")
    headers = key.headers(b"[]", at=1_700_000_000)
    webhook = EventWebhook(EventKey(tmp_path / "key.pem").public)  # the same key the next time
    assert webhook.verify_signature("[]", headers[SIGNATURE], headers[TIMESTAMP])
    assert not webhook.verify_signature("[1]", headers[SIGNATURE], headers[TIMESTAMP])
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0


def test_callbacks_are_signed_as_the_sdk_verifies_them() -> None:
    url, form = "https://llmo.example/webhooks/twilio?message_id=1", {"MessageSid": "SM1", "MessageStatus": "sent"}
    signature = twilio_signature(url, form, "token")
    assert RequestValidator("token").validate(url, form, signature)
    assert not RequestValidator("other").validate(url, form, signature)


async def test_without_keys_nothing_leaves_the_machine_and_keys_stay_the_same(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    vendors = MessagingVendors(tmp_path, "http://127.0.0.1:8080", {})
    address = await vendors.start()
    await vendors.stop()
    given = address.parameters()
    assert address.outbox_url.startswith("http://127.0.0.1:")
    assert {given[name] for name in ("SendgridBaseUrl", "TwilioBaseUrl", "FcmBaseUrl")} == {address.outbox_url}
    assert given["SmtpUrl"].startswith("smtp://127.0.0.1:")
    assert json.loads(given["FcmCredentials"])["token_uri"] == f"{address.outbox_url}/token"
    assert EventWebhook(given["SendgridWebhookKey"]).public_key is not None
    assert "nothing leaves this machine" in vendors.kind
    again = MessagingVendors(tmp_path, "http://127.0.0.1:8080", {})
    assert (await again.start()).parameters() == given
    await again.stop()


async def test_keys_mean_the_vendors_themselves(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    environment = {
        "SENDGRID_API_KEY": "SG.mine",
        "SENDGRID_WEBHOOK_KEY": "MFkw",
        "SMTP_URL": "smtps://user:password@mail.example",
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "mine",
        "VAPID_PRIVATE_KEY": "key",
        "FCM_CREDENTIALS": "{}",
        "MAIL_FROM": "a@example.com",
        "SMS_FROM": "+491",
    }
    vendors = MessagingVendors(tmp_path, "http://127.0.0.1:8080", environment)
    address = await vendors.start()
    await vendors.stop()
    given = address.parameters()
    assert {given[name] for name in ("SendgridBaseUrl", "TwilioBaseUrl", "FcmBaseUrl")} == {""}
    assert given["SendgridApiKey"] == "SG.mine"
    assert given["SendgridWebhookKey"] == "MFkw"
    assert given["SmtpUrl"] == "smtps://user:password@mail.example"
    assert json.loads(given["TwilioCredentials"]) == {"account_sid": "AC1", "auth_token": "mine"}
    assert (given["VapidPrivateKey"], given["FcmCredentials"]) == ("key", "{}")
    assert (given["MailFrom"], given["SmsFrom"]) == ("a@example.com", "+491")
    assert "leave this machine" in vendors.kind
