"""What an endpoint is: one description, from which a call to it is read, forwarded, metered and cached."""

from abc import ABC, abstractmethod
from collections.abc import Buffer, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from integration.gateway.call import Call, Endpoint, Step
from integration.gateway.endpoints.meter import Meter
from integration.gateway.endpoints.places import Paths, Slot, paths
from integration.gateway.endpoints.request import JSON, Request, read_json
from integration.gateway.endpoints.texts import replaced
from integration.gateway.endpoints.whole_meter import WholeMeter
from integration.gateway.facts import Facts
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.organization import Policy
from integration.gateway.planning import Plan
from integration.gateway.usage import Json, read_answer

# OpenAI estimates the same way for its own limits: https://platform.openai.com/docs/guides/rate-limits
CHARACTERS_PER_TOKEN: Final = 4
# What a rate limit is charged in advance for an image, audio or file, and for an answer without a limit of its own.
MEDIA_TOKENS_ESTIMATE: Final = 1_000
OUTPUT_TOKENS_ESTIMATE: Final = 1_000


class Tokens(Protocol):
    """Counts tokens that a provider did not report."""

    async def count_text(self, model: str, text: str) -> int:
        """Tokens of a text."""
        ...

    async def count_input(self, model: str, body: bytes) -> int:
        """Tokens of a request's input, given its fields as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What an endpoint finds in a request.

    Attributes:
        sent: What is sent to the provider.
        likely: How large the call probably is.
        most: It cannot be larger than this.
        usage_wanted: Whether the caller of a stream asked for the usage chunk.
        media: Whether there are images, sounds or files in it.
        cacheable: Whether an equal call may get the same answer.
        answer_format: How the caller wants the answer written; empty for the endpoint's usual way.
    """

    sent: Request
    likely: Size
    most: Size
    stream: bool = False
    usage_wanted: bool = False
    tools: bool = False
    vision: bool = False
    media: bool = False
    cacheable: bool = True
    answer_format: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, apart from how its last message is worded.

    Attributes:
        text: That message.
        facts: What its spelling says.
        request: The request with the facts in place of the message.
    """

    text: str
    facts: Facts
    request: Request


class Form(ABC):
    """An endpoint of OpenAI's API that the gateway has.

    Attributes:
        endpoint: Which one; its path follows from it.
        units: What the models that answer here may be billed by: what the endpoint finds the usage of.
        default_model: What answers when the caller names no model; None when one must be named.
        provider_prompts: Whether a prompt that is none of the organization's may be one that the provider keeps.
        always_relays: Whether every answer is passed on as it comes, streamed or not.
        asks_in_text: Whether guardrails look at what is asked: moderations look for themselves, and sound has no texts.
        answers_in_text: Whether there are texts in its answers.
        repeated: Where its answers, and the events of its streams, repeat their texts piece by piece.
    """

    endpoint: Endpoint
    units: ClassVar[frozenset[Unit]] = frozenset((Unit.TOKENS,))
    default_model: ClassVar[str | None] = None
    provider_prompts: ClassVar[bool] = False
    always_relays: ClassVar[bool] = False
    asks_in_text: ClassVar[bool] = False
    answers_in_text: ClassVar[bool] = False
    repeated: ClassVar[Paths] = paths()

    def parse(self, raw: bytes, _headers: Mapping[str, str]) -> Request:
        """The request in a body. Raises InvalidCall."""
        return read_json(raw)

    @abstractmethod
    def check(self, fields: Json) -> None:
        """Raise InvalidCall when the endpoint cannot do anything with these fields, whatever the model is."""

    @property
    def prompted(self) -> Callable[[Json, list[Json]], Json] | None:
        """Puts the messages of a prompt before what the fields of a call say; None where calls are made from none."""
        return None

    def optimized(self, request: Request, _policy: Policy, _owner: str) -> tuple[Request, tuple[Step, ...]]:
        """The request as a policy wants it, and what was done to it: by default nothing. See optimizing.optimize."""
        return request, ()

    def levelled(self, _request: Request, _policy: Policy) -> Request | None:
        """The request without what makes no difference to people; None when only an equal one gets the same answer."""
        return None

    def asked(self, _request: Request, _policy: Policy) -> Asked | None:
        """The request, apart from how it is worded; None when the answer to another one never does."""
        return None

    @abstractmethod
    def read(self, request: Request, plan: Plan) -> Reading:
        """What the call asks for, and how large it can be. Raises InvalidCall."""

    def sent_texts(self, _fields: Json) -> list[Slot]:
        """Where texts stand in what a caller sends: by default nowhere.

        Raises InvalidCall for what says something and is no text.
        """
        return []

    def answered_texts(self, _answer: Json) -> list[Slot]:
        """Where texts stand in a whole answer: by default nowhere."""
        return []

    def written(self, answer: Json, _call: Call, found: Sequence[Slot], texts: Iterable[str]) -> bytes:
        """A whole answer with other texts in these places of it."""
        return replaced(answer, found, texts, self.repeated)

    def streamed_texts(self, _event: Json) -> Iterable[Slot]:
        """Where texts, or pieces of texts, stand in an event of a stream: by default nowhere."""
        return ()

    def meter(self, call: Call, unit: Unit, media_type: str) -> Meter:
        """What watches an answer of this media type that is passed on as it comes: by default a whole one."""
        return WholeMeter(
            media_type,
            report=lambda raw: self.usage(self.answer(raw, call), call, unit),
            text=lambda raw: self.produced(self.answer(raw, call)),
        )

    def relays(self, call: Call) -> bool:
        """Whether an answer is passed on as it comes; else it is read as a whole first."""
        return call.stream or self.always_relays

    def answer(self, raw: bytes, _call: Call) -> Json:
        """A whole answer, read. Raises UpstreamBroken when it is none."""
        return read_answer(raw)

    def media_type(self, _given: str, _call: Call) -> str:
        """What a whole answer is, of which the provider says that it is this: by default JSON, as in OpenAI's API."""
        return JSON

    @abstractmethod
    def usage(self, body: Json, call: Call, unit: Unit) -> Usage | None:
        """The usage in a whole answer, as far as this unit needs it; None when the provider does not report it."""

    def produced(self, _body: Json) -> str:
        """The text of a whole answer, for counting its tokens."""
        return ""

    async def estimate(self, call: Call, model: str, _unit: Unit, produced: str, tokens: Tokens) -> Usage:
        """The usage of a call whose provider did not report it.

        Args:
            call: The call.
            model: What the provider calls its model.
            _unit: What the model is billed by.
            produced: The text that came.
            tokens: Counts them.
        """
        return Usage(
            input_tokens=await tokens.count_input(model, call.text),
            output_tokens=await tokens.count_text(model, produced),
            estimated=True,
        )

    def identity(self, raw: bytes, _headers: Mapping[str, str]) -> Iterable[Buffer]:
        """What tells a request from one that is not its repetition, in pieces. Raises InvalidCall."""
        return (raw,)
