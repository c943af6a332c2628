"""Routes whose POSTs take an `Idempotency-Key`: a repeated request has its effect once, and gets the first answer.

```python
router = APIRouter(route_class=idempotent(wiring.repeated_requests))
```
"""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any, override

from fastapi import Request, Response
from fastapi.routing import APIRoute

from llmo_auth.guard import authenticated, signed_in
from llmo_auth.idempotency_keys import (
    HEADER,
    PARAMETER,
    REPLAY_HEADER,
    REPLAYED,
    RESPONSES,
    IdempotencyKeyReused,
    check,
)
from llmo_auth.sealing import Seal
from llmo_core.clock import Clock
from llmo_data.idempotency import IdempotencyRecords, KnownRequest, RequestId
from llmo_data.postgres import Database

_NOT_KEPT = {"content-length", REPLAY_HEADER}

type Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class _NotKept(Exception):
    """Carries an answer that is no success out of the transaction, which is rolled back."""

    def __init__(self, response: Response) -> None:
        self.response = response


class RepeatedRequests:
    """Carries requests out once, and repeats their answers.

    Neither the client's key nor an answer can be read in the database: of the key an HMAC is kept, and the answer is
    sealed under the key and our secret. Only answers of success are kept.

    Args:
        database: The one that the use cases write to: record, rows and events are one commit.
        secret: The pepper.
    """

    def __init__(self, *, database: Database, records: IdempotencyRecords, secret: bytes, clock: Clock) -> None:
        self._database = database
        self._records = records
        self._secret = secret
        self._seal = Seal(secret, b"idempotent answers")
        self._clock = clock

    async def answer(self, request: Request, key: str, handle: Handle, *, personal: bool = False) -> Response:
        """The answer of the first request under this key, which may be this one.

        A personal request is a signed-in person's own and is kept with them; any other one with its organization.
        What an answer that is no success wrote is rolled back with its record. Raises MalformedIdempotencyKey,
        IdempotencyKeyReused, RequestInProgress, whatever `handle` raises, and Unsealable when somebody changed the
        kept answer.
        """
        check(key)
        identity = await self._identify(request, key, personal=personal)
        fingerprint = await self._fingerprint(request)
        try:
            return await self._once(request, key, handle, identity=identity, fingerprint=fingerprint)
        except _NotKept as refused:
            return refused.response

    async def _once(
        self, request: Request, key: str, handle: Handle, *, identity: RequestId, fingerprint: str
    ) -> Response:
        async with self._database.transaction(None if identity.personal else identity.owner_id) as connection:
            known = await self._records.claim(connection, identity, fingerprint, now=self._clock.now())
            if known is not None:
                return self._replay(known, identity, fingerprint, key)
            response = await handle(request)
            if not HTTPStatus(response.status_code).is_success:
                raise _NotKept(response)
            sealed = self._seal.close(_to_bytes(response), under=key.encode(), about=_about(identity, fingerprint))
            await self._records.keep(connection, identity, sealed)
        return response

    async def _fingerprint(self, request: Request) -> str:
        url = request.url
        return self._digest("request", request.method, url.path, url.query, await request.body())

    async def _identify(self, request: Request, key: str, *, personal: bool) -> RequestId:
        if personal:
            owner_id = actor_id = (await signed_in(request)).user_id
        else:
            principal = await authenticated(request)
            owner_id, actor_id = principal.org_id, principal.actor_id
            # An application that acts for somebody, or a token for one service, repeats nothing of the others'.
            key = (
                f"{principal.client_id}\n{principal.service}\n{key}"
                if principal.client_id or principal.service
                else key
            )
        digest = self._digest("key", str(owner_id), str(actor_id), key)
        return RequestId(owner_id, actor_id, digest, personal=personal)

    def _digest(self, *parts: str | bytes) -> str:
        """Under our secret: a key, or a text in a body, may be one that could be guessed."""
        encoded = [part if isinstance(part, bytes) else part.encode() for part in parts]
        framed = b"".join(len(part).to_bytes(8) + part for part in encoded)
        return hmac.digest(self._secret, framed, "sha256").hex()

    def _replay(self, known: KnownRequest, identity: RequestId, fingerprint: str, key: str) -> Response:
        if known.request_hash != fingerprint:
            raise IdempotencyKeyReused
        kept = self._seal.open(known.answer, under=key.encode(), about=_about(identity, fingerprint))
        response = _from_bytes(kept)
        response.headers[REPLAY_HEADER] = "true"
        return response


def idempotent(provider: Callable[[], Awaitable[RepeatedRequests]], *, personal: bool = False) -> type[APIRoute]:
    """The class of routes whose POSTs take an `Idempotency-Key`; without one nothing is different.

    Args:
        provider: Gives the use case; it may be overridden as any dependency of FastAPI's.
        personal: Whether the routes are for a signed-in person (`signed_in`), and not for an organization's callers.
    """

    class IdempotentRoute(APIRoute):
        @override
        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            if "POST" in (options.get("methods") or ()):
                extra = dict(options.get("openapi_extra") or {})
                if PARAMETER not in extra.get("parameters", ()):
                    extra["parameters"] = [*extra.get("parameters", ()), PARAMETER]
                options["openapi_extra"] = extra
                succeeded = int(options.get("status_code") or HTTPStatus.OK)
                own = {int(status): response for status, response in (options.get("responses") or {}).items()}
                answer = dict(own.get(succeeded, {}))
                answer["headers"] = {**REPLAYED, **answer.get("headers", {})}
                options["responses"] = {**RESPONSES, **own, succeeded: answer}
            super().__init__(path, endpoint, **options)

        @override
        def get_route_handler(self) -> Handle:
            handle = super().get_route_handler()
            if "POST" not in (self.methods or ()):
                return handle

            async def once(request: Request) -> Response:
                key = request.headers.get(HEADER)
                if key is None:
                    return await handle(request)
                requests = await request.app.dependency_overrides.get(provider, provider)()
                answer: Response = await requests.answer(request, key, handle, personal=personal)
                return answer

            return once

    return IdempotentRoute


def _about(request: RequestId, fingerprint: str) -> bytes:
    return f"{request.owner_id} {request.actor_id} {request.key_hash} {fingerprint}".encode()


def _to_bytes(response: Response) -> bytes:
    headers = [[name, value] for name, value in response.headers.items() if name.lower() not in _NOT_KEPT]
    body = base64.b64encode(bytes(response.body)).decode()
    return json.dumps({"status": response.status_code, "headers": headers, "body": body}).encode()


def _from_bytes(kept: bytes) -> Response:
    answer = json.loads(kept)
    response = Response(base64.b64decode(answer["body"]), answer["status"])
    for name, value in answer["headers"]:
        response.headers.append(name, value)
    return response
