"""Messages are signed as Standard Webhooks has it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from integration.webhook_messages.signing import SECRET_BYTES, body_of, secret_text, signed_headers

# https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests/test_webhooks.py
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
ID, BODY, NOW = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC)


def test_the_published_vector_is_signed_as_published() -> None:
    assert signed_headers(ID, BODY, [SECRET], now=NOW) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_two_secrets_make_two_signatures_with_a_space_between() -> None:
    other = secret_text(bytes(SECRET_BYTES))
    first, second = signed_headers(ID, BODY, [other, SECRET], now=NOW)["webhook-signature"].split(" ")

    assert (first == Webhook(other).sign(ID, NOW, BODY.decode()), second) == (True, SIGNATURE)


@given(
    st.binary(min_size=24, max_size=64),
    st.uuids(),
    st.dictionaries(st.text(), st.text(st.characters()) | st.integers()),
)
def test_the_reference_library_signs_any_message_alike(
    random: bytes, event_id: object, data: dict[str, object]
) -> None:
    body, secret = body_of("batch.completed", NOW, data), secret_text(random)

    made = signed_headers(str(event_id), body.encode(), [secret], now=NOW)

    assert made["webhook-signature"] == Webhook(secret).sign(str(event_id), NOW, body)
    assert json.loads(body) == {"type": "batch.completed", "timestamp": "2021-02-25T15:02:10.000000Z", "data": data}


def test_a_secret_of_another_alphabet_signs_nothing() -> None:
    with pytest.raises(ValueError, match="base64"):
        signed_headers(ID, BODY, ["whsec_!!!!"], now=NOW)
