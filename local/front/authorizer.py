"""Asking the authorizer function, and remembering what it said.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from local.front.events import Incoming, authorizer_event, method_arn
from local.front.policy import InvalidPolicy, allows
from local.front.responses import Refusal
from local.front.routes import Match
from local.runtime.models import Invocation
from local.stack import AuthorizerSpec, StackSpec

MAX_REMEMBERED = 10_000

Invoke = Callable[[str, bytes], Awaitable[Invocation]]


class Refused(Exception):
    """The request may not pass.

    Attributes:
        refusal: What API Gateway answers.
        hint: What a developer wants to know.
    """

    def __init__(self, refusal: Refusal, hint: str) -> None:
        super().__init__(hint)
        self.refusal = refusal
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Verdict:
    """An authorizer's answer: the policy, and the context for the functions behind."""

    policy: object
    context: dict[str, object]


class Authorizer:
    """Lets requests through, or not, as the authorizer function says.

    A verdict is remembered by the identity header, and the caller's address where the template says so, for the
    configured time, across all methods: its policy has to be about the caller, not about the one request.

    Args:
        spec: The template's authorizer.
        stack: Names the method ARNs.
        invoke: Calls a function.
        monotonic: The clock that ages verdicts, in seconds.
    """

    def __init__(
        self,
        spec: AuthorizerSpec,
        stack: StackSpec,
        invoke: Invoke,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._stack = stack
        self._invoke = invoke
        self._monotonic = monotonic
        self._remembered: dict[tuple[str, str], tuple[float, Verdict]] = {}

    async def authorize(self, incoming: Incoming, match: Match) -> dict[str, object]:
        """Return `requestContext.authorizer`. Raises Refused."""
        identity = incoming.header(self._spec.identity_header)
        if not identity:
            raise Refused(Refusal.UNAUTHORIZED, f"The request has no {self._spec.identity_header} header.")
        remembered_as = identity, incoming.source_ip if self._spec.by_source_ip else ""
        verdict = self._recall(remembered_as)
        if verdict is None:
            verdict = await self._ask(incoming, match)
            self._remember(remembered_as, verdict)
        try:
            allowed = allows(verdict.policy, method_arn(incoming, self._stack))
        except InvalidPolicy as error:
            raise Refused(Refusal.AUTHORIZER_CONFIGURATION_ERROR, f"{self._spec.function}: {error}") from error
        if not allowed:
            hint = f"The policy of {self._spec.function} does not allow {method_arn(incoming, self._stack)}."
            raise Refused(Refusal.ACCESS_DENIED, hint)
        return verdict.context

    def _recall(self, identity: tuple[str, str]) -> Verdict | None:
        remembered = self._remembered.get(identity)
        if remembered is None:
            return None
        expires, verdict = remembered
        if expires > self._monotonic():
            return verdict
        del self._remembered[identity]
        return None

    def _remember(self, identity: tuple[str, str], verdict: Verdict) -> None:
        if self._spec.cache_seconds <= 0:
            return
        while len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[identity] = (self._monotonic() + self._spec.cache_seconds, verdict)

    async def _ask(self, incoming: Incoming, match: Match) -> Verdict:
        event = orjson.dumps(authorizer_event(incoming, match, self._stack))
        invocation = await self._invoke(self._spec.function, event)
        answer = orjson.loads(invocation.payload)
        if invocation.function_error:
            if isinstance(answer, dict) and answer.get("errorMessage") == "Unauthorized":
                raise Refused(Refusal.UNAUTHORIZED, f"{self._spec.function} does not know this caller.")
            raise Refused(Refusal.AUTHORIZER_FAILURE, f"{self._spec.function} failed: {answer}")
        if not isinstance(answer, dict) or "policyDocument" not in answer or "principalId" not in answer:
            hint = f"{self._spec.function} must return principalId and policyDocument."
            raise Refused(Refusal.AUTHORIZER_CONFIGURATION_ERROR, hint)
        context = {name: self._as_text(name, value) for name, value in (answer.get("context") or {}).items()}
        return Verdict(answer["policyDocument"], {"principalId": answer["principalId"], **context})

    def _as_text(self, name: str, value: object) -> str:
        """Context values reach functions as strings; objects and lists are not allowed."""
        if isinstance(value, dict | list):
            hint = f"{self._spec.function}: context.{name} is neither text, number nor boolean."
            raise Refused(Refusal.AUTHORIZER_CONFIGURATION_ERROR, hint)
        return orjson.dumps(value).decode() if not isinstance(value, str) else value
