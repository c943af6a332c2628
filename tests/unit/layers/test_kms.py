"""What is made of KMS's answers."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from llmo_core.aws import Credentials, JsonService
from llmo_core.envelope_encryption import Unopenable
from llmo_core.kms import KeyServiceUnavailable, Kms

SERVICE = JsonService("kms", "TrentService", "eu-west-1", "https://kms.eu-west-1.amazonaws.com")
CONTEXT = {"org_id": "a"}
GOOD = (200, json.dumps({"Plaintext": b64encode(b"p" * 32).decode(), "CiphertextBlob": b64encode(b"c").decode()}))


class At:
    def now(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC)


class Answers:
    """Gives prepared answers, or raises them."""

    def __init__(self, *answers: tuple[int, str] | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, dict[str, Any], Mapping[str, str]]] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.calls.append((url, json.loads(body), headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer[0], answer[1].encode()


def kms(answers: Answers) -> Kms:
    credentials = Credentials("AKIAEXAMPLE", "secret")
    return Kms(service=SERVICE, key_arn="arn:key", post=answers.post, credentials=lambda: credentials, clock=At())


async def test_a_data_key_is_asked_for_with_its_context_and_signed() -> None:
    answers = Answers(GOOD)
    made = await kms(answers).generate_data_key(CONTEXT)
    assert (made.plaintext, made.encrypted) == (b"p" * 32, b"c")
    [(url, body, headers)] = answers.calls
    assert url == "https://kms.eu-west-1.amazonaws.com/"
    assert body == {"KeyId": "arn:key", "KeySpec": "AES_256", "EncryptionContext": CONTEXT}
    assert headers["x-amz-target"] == "TrentService.GenerateDataKey"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261101/eu-west-1/kms/")


async def test_a_data_key_is_decrypted_with_its_context() -> None:
    answers = Answers(GOOD)
    assert await kms(answers).decrypt(b"blob", CONTEXT) == b"p" * 32
    body = answers.calls[0][1]
    assert body == {"KeyId": "arn:key", "CiphertextBlob": "YmxvYg==", "EncryptionContext": CONTEXT}


@pytest.mark.parametrize("failure", [ConnectionError(), TimeoutError(), (500, "{}"), (200, "no json")])
async def test_a_call_without_an_answer_is_made_once_more(failure: Exception | tuple[int, str]) -> None:
    answers = Answers(failure, GOOD)
    await kms(answers).generate_data_key(CONTEXT)
    assert len(answers.calls) == 2
    with pytest.raises(KeyServiceUnavailable):
        await kms(Answers(failure, failure)).generate_data_key(CONTEXT)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("InvalidCiphertextException", Unopenable),
        ("com.amazonaws.kms#IncorrectKeyException", Unopenable),
        ("ThrottlingException", KeyServiceUnavailable),
        ("AccessDeniedException", KeyServiceUnavailable),
        ("", KeyServiceUnavailable),
    ],
)
async def test_a_refusal_is_told_from_a_forgery(kind: str, error: type[Exception]) -> None:
    answers = Answers((400, json.dumps({"__type": kind})))
    with pytest.raises(error):
        await kms(answers).decrypt(b"blob", CONTEXT)
    assert len(answers.calls) == 1
