"""The use case of a repeated request: the same `Idempotency-Key` gets the same answer, and costs once."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from integration.gateway.call import Deferred
from integration.gateway.calls import read_key
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.meter import EVENT_STREAM
from integration.gateway.errors import IdempotencyKeyReused, InvalidCall, RequestInProgress, StoreUnavailable
from integration.gateway.models import Answer, one_chunk
from llmo_auth.api_key import ApiKey

_MAX_KEY_LENGTH: Final = 255
_MAX_KEPT_BYTES: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make a request under an idempotency key."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """An earlier request under the same key; without an answer it is still under way."""

    fingerprint: str
    answer: Answer | None


class Requests(Protocol):
    """Remembers requests by API key and idempotency key."""

    async def claim(self, key: ApiKey, idempotency_key: str, fingerprint: str) -> Claim | KnownRequest:
        """Claim the right to make the request, or give what is known of the first one."""
        ...

    async def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer of a claimed request."""
        ...

    async def release(self, claim: Claim) -> None:
        """Forget a claimed request that had no answer worth keeping."""
        ...


class Answers(Protocol):
    """What answers calls to models: the Gateway."""

    async def authenticate(self, headers: Mapping[str, str]) -> None:
        """Raise InvalidApiKey unless the Authorization header carries a valid key."""
        ...

    async def answer(
        self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str, deferred: Deferred | None = None
    ) -> Answer:
        """Answer one call."""
        ...


class OnceGateway:
    """Answers calls, those with an `Idempotency-Key` once.

    Only successful answers are kept: a call that was refused or failed may be repeated under its key.

    Args:
        gateway: What answers them.
        requests: Remembers them, for others of these as well.
        manner: How they are answered: a request that is to be answered in two manners is not the same one.
    """

    def __init__(self, gateway: Answers, requests: Requests, *, manner: str = "") -> None:
        self._gateway = gateway
        self._requests = requests
        self._manner = manner.encode()

    async def answer(
        self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str, deferred: Deferred | None = None
    ) -> Answer:
        """Answer one call, or give the answer that its first request got.

        Raises what the Gateway raises, IdempotencyKeyReused, and RequestInProgress.
        """
        given = headers.get("idempotency-key")
        if given is None:
            return await self._gateway.answer(form, raw, headers=headers, request_id=request_id, deferred=deferred)
        if not 0 < len(given) <= _MAX_KEY_LENGTH:
            raise InvalidCall(f"An Idempotency-Key has 1 to {_MAX_KEY_LENGTH} characters.", param="Idempotency-Key")
        key = deferred.key if deferred else read_key(headers)
        if deferred is None:  # the key of a deferred call is not in its headers, and is looked at when it is admitted
            await self._gateway.authenticate(headers)
        fingerprint = self._fingerprint(form, raw, headers)
        claim = await self._requests.claim(key, given, fingerprint)
        if isinstance(claim, KnownRequest):
            return _replay(claim, fingerprint)
        try:
            answer = await self._gateway.answer(form, raw, headers=headers, request_id=request_id, deferred=deferred)
        except BaseException:
            await self._release(claim)
            raise
        if isinstance(answer.body, bytes):
            await self._keep(claim, answer)
            return answer
        return replace(answer, body=self._kept_stream(claim, answer, answer.body))

    def _fingerprint(self, form: Form, raw: bytes, headers: Mapping[str, str]) -> str:
        digest = hashlib.sha256(self._manner + form.endpoint.encode() + b"\n")
        for piece in form.identity(raw, headers):
            digest.update(piece)
        return digest.hexdigest()

    async def _kept_stream(self, claim: Claim, answer: Answer, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass a stream on, and keep it when it came to its end."""
        parts: list[bytes] = []
        complete = False
        try:
            async for chunk in body:
                parts.append(chunk)
                yield chunk
            complete = answer.whole()
        finally:
            close = getattr(body, "aclose", None)
            if close is not None:
                await close()
            if complete:
                await self._keep(claim, replace(answer, body=b"".join(parts)))
            else:
                await self._release(claim)

    async def _keep(self, claim: Claim, answer: Answer) -> None:
        if not isinstance(answer.body, bytes) or len(answer.body) > _MAX_KEPT_BYTES:
            await self._release(claim)
            return
        try:
            await self._requests.keep(claim, answer)
        except StoreUnavailable:
            return  # the answer is given; until its marker expires a repetition is told that it is under way

    async def _release(self, claim: Claim) -> None:
        try:
            await self._requests.release(claim)
        except StoreUnavailable:
            return  # the marker expires


def _replay(known: KnownRequest, fingerprint: str) -> Answer:
    if known.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    if known.answer is None:
        raise RequestInProgress
    answer = replace(known.answer, headers={**known.answer.headers, "x-llmo-idempotent-replay": "true"})
    if EVENT_STREAM in answer.headers.get("content-type", "") and isinstance(answer.body, bytes):
        return replace(answer, body=one_chunk(answer.body))
    return answer
