"""A call to a model, as it was read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integration.gateway.metering import Size
from integration.gateway.rates import ModelPrices
from integration.gateway.sought import Sought
from llmo_auth.api_key import ApiKey

_MOST_TOKENS_PER_ESTIMATED = 4  # an estimated token is four bytes, and no token has less than one


class Endpoint(StrEnum):
    """The OpenAI endpoints that are metered; the value names them in usage events."""

    CHAT_COMPLETIONS = "chat.completions"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    IMAGES_GENERATIONS = "images.generations"
    AUDIO_SPEECH = "audio.speech"
    AUDIO_TRANSCRIPTIONS = "audio.transcriptions"
    AUDIO_TRANSLATIONS = "audio.translations"

    @property
    def path(self) -> str:
        """The path below the provider's base URL."""
        return "/" + self.value.replace(".", "/")


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What the cache may do for a call.

    Attributes:
        digest: Identifies equal calls; empty for a call that the cache has nothing to do with.
        form_digest: Identifies calls of the same form; empty for one that only an equal one will do for.
        sought: What is asked for among calls with the same meaning; None where these are other calls.
        read: Whether a stored answer may be used.
        only: Whether nothing but a stored answer may be used.
        seconds: How long the answer is kept; None for as long as the deployment keeps answers.
    """

    digest: str = ""
    form_digest: str = ""
    sought: Sought | None = None
    read: bool = True
    only: bool = False
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done to a call.

    Attributes:
        name: `compact`, `trim`, `cap`, `prompt_cache` or `substitute`.
        reason: Why and how, for the caller who wants it explained.
        input_tokens: How many tokens the input probably has less, at four bytes each.
    """

    name: str
    reason: str
    input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One validated call.

    Attributes:
        model: What the caller asked for: a model, or a route.
        routed_as: What answers: the same, or what a policy puts in its place.
        instead_of: What the model that the caller asked for would have cost; None when it answers itself, and for a
            route, which could have chosen any.
        body: What is sent to the provider that calls the model so.
        renamed: The same for a provider that calls the model otherwise.
        address: Where it comes from, as `llmo_auth.networks` writes it.
        usage_wanted: Whether the caller of a stream asked for the usage chunk.
        likely: Its likely size; its tokens are charged against tokens per minute until the call ends.
        most: It cannot be larger than this; the budget hold uses it.
        prompt: What it was made from, as `name@version`; None for a call that says everything itself.
        tags: What the caller wants its usage to be found by.
        tools: Whether the model may call tools.
        vision: Whether there are images in it.
        media: Whether there are images, sounds or files in it, whose tokens nobody can estimate well.
        region: Where the caller wants it answered; None for anywhere.
        answer_format: How the caller wants the answer written; empty for the endpoint's usual way.
        steps: What was done to make it cheaper.
        explained: Whether the caller wants to be told.
        text: The input as JSON, kept for counting tokens when the provider does not report them.
        batch: The batch that it is a line of; None for a call that somebody waits for.
    """

    endpoint: Endpoint
    model: str
    routed_as: str
    instead_of: ModelPrices | None
    stream: bool
    usage_wanted: bool
    body: bytes
    content_type: str
    cache: CachePolicy
    address: str
    likely: Size
    most: Size
    service_tier: str
    end_user: str | None
    prompt: str | None
    tags: Mapping[str, str]
    traceparent: str | None
    tools: bool
    vision: bool
    media: bool
    region: str | None
    answer_format: str
    steps: tuple[Step, ...]
    explained: bool
    renamed: Callable[[str], bytes] = field(repr=False)
    text: bytes = field(repr=False)
    batch: str | None = None

    def spared_input_tokens(self, input_tokens: int) -> int:
        """How many tokens the input probably has less than what the caller sent, when it has this many.

        What is left out is counted in bytes; how many bytes of this text make a token, the tokens of the rest tell.
        Where images or files are among those, nobody can tell, and half of the estimate counts: rather too little than
        too much.
        """
        spared = sum(step.input_tokens for step in self.steps)
        if self.media:
            return spared // 2 if input_tokens else 0
        return min(spared * input_tokens // max(self.likely.input_tokens, 1), _MOST_TOKENS_PER_ESTIMATED * spared)

    @property
    def cache_digest(self) -> str:
        """Identifies equal calls; empty for a call that the cache has nothing to do with."""
        return self.cache.digest

    @property
    def cache_read(self) -> bool:
        """Whether a stored answer may be used."""
        return self.cache.read

    @property
    def input_tokens_estimate(self) -> int:
        """Likely tokens of the input."""
        return self.likely.input_tokens

    @property
    def tokens_estimate(self) -> int:
        """Likely tokens of input and output."""
        return self.likely.input_tokens + self.likely.output_tokens

    def body_for(self, model: str) -> bytes:
        """What is sent to a provider that calls the model so."""
        return self.body if model == self.model else self.renamed(model)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Whose call it is that nobody waits for, and of which batch."""

    key: ApiKey
    batch: str
