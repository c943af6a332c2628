"""AWS KMS, as far as envelope encryption needs it; signed without an SDK (see llmo_core.aws).

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html and API_Decrypt.html.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import Clock, SystemClock
from llmo_core.envelope_encryption import DataKey, Unopenable
from llmo_core.errors import Unavailable

type Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[tuple[int, bytes]]]
"""POSTs a body with headers to a URL, and gives status and body. Raises OSError, and TimeoutError, for no answer."""

_OK = 200
_CLIENT_ERROR = 400
_ATTEMPTS = 2  # a process that Lambda froze finds its connection lost; both operations may be repeated
_NOT_OPENED = {"InvalidCiphertextException", "IncorrectKeyException"}


class KeyServiceUnavailable(Unavailable):
    """The key service does not answer, or refuses: credentials can neither be sealed nor opened now."""


class Kms:
    """Data keys under one key of KMS.

    Args:
        service: KMS in the function's region (`JsonService.from_environment("kms", "TrentService")`).
        key_arn: The key.
        post: Makes the calls.
        credentials: Gives the credentials to sign with.
        clock: Time for signatures.
    """

    def __init__(
        self,
        *,
        service: JsonService,
        key_arn: str,
        post: Post,
        credentials: Callable[[], Credentials] = Credentials.from_environment,
        clock: Clock | None = None,
    ) -> None:
        self._service = service
        self._key_arn = key_arn
        self._post = post
        self._credentials = credentials
        self._clock = clock or SystemClock()

    async def generate_data_key(self, context: Mapping[str, str]) -> DataKey:
        """A new key of 256 bits. Raises KeyServiceUnavailable."""
        answer = await self._call("GenerateDataKey", KeySpec="AES_256", EncryptionContext=dict(context))
        return DataKey(b64decode(answer["Plaintext"]), b64decode(answer["CiphertextBlob"]))

    async def decrypt(self, encrypted: bytes, context: Mapping[str, str]) -> bytes:
        """A key in plaintext. Raises Unopenable for another context, KeyServiceUnavailable."""
        blob = b64encode(encrypted).decode()
        return b64decode(
            (await self._call("Decrypt", CiphertextBlob=blob, EncryptionContext=dict(context)))["Plaintext"]
        )

    async def _call(self, operation: str, **request: object) -> dict[str, Any]:
        body = json.dumps({"KeyId": self._key_arn, **request}).encode()
        status, answer = await self._answer(operation, body)
        if status == _OK:
            return answer
        kind = str(answer.get("__type", "")).rpartition("#")[2]
        if kind in _NOT_OPENED:
            raise Unopenable(f"KMS answered {kind}")
        raise KeyServiceUnavailable(f"{operation} of the key service failed ({kind or status}).")

    async def _answer(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer, the second one when the first one did not come or says nothing of the call."""
        failure: Exception | None = None
        for _ in range(_ATTEMPTS):
            headers = self._service.sign(operation, body, credentials=self._credentials(), now=self._clock.now())
            try:
                status, answer = await self._post(f"{self._service.endpoint}/", body, headers)
                found = json.loads(answer)
            except (OSError, ValueError) as error:
                failure = error
                continue
            if status <= _CLIENT_ERROR:
                return status, found
        raise KeyServiceUnavailable(f"{operation} of the key service failed.") from failure
