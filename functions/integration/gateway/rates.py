"""What a call costs at a model's prices, in pico-dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from integration.gateway.metering import Size, Unit, Usage

DEFAULT_TIER: Final = "default"
_MS_PER_HOUR: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Pico-dollars per token for one kind of token.

    `steps` are (more input tokens than, rate): the last step that the call's input exceeds applies to all its tokens.
    """

    base: int
    steps: tuple[tuple[int, int], ...] = ()

    def at(self, input_tokens: int) -> int:
        """The rate for a call with this many input tokens."""
        rate = self.base
        for start, stepped in self.steps:
            if input_tokens > start:
                rate = stepped
        return rate

    def at_percent(self, percent: int) -> "Rate":
        """So many percent of the rate; a fraction of a pico-dollar is rounded up."""
        return Rate(_share(self.base, percent), tuple((start, _share(rate, percent)) for start, rate in self.steps))

    @property
    def highest(self) -> int:
        """The rate at its worst."""
        return max([self.base, *(stepped for _, stepped in self.steps)])


_NOT_BILLED: Final = Rate(0)


@dataclass(frozen=True, slots=True)
class TierPrices:
    """The prices of one service tier, of the unit that the model is billed by; of other units they are 0.

    Attributes:
        character: For a character that is read aloud.
        audio_hour: For an hour of audio that is listened to.
    """

    input: Rate = _NOT_BILLED
    cached_input: Rate = _NOT_BILLED
    cache_write: Rate = _NOT_BILLED
    audio_input: Rate = _NOT_BILLED
    image_input: Rate = _NOT_BILLED
    output: Rate = _NOT_BILLED
    audio_output: Rate = _NOT_BILLED
    image_output: Rate = _NOT_BILLED
    character: int = 0
    audio_hour: int = 0
    _dearest_input: int = field(init=False, repr=False)
    _dearest_output: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        given = (self.input, self.cached_input, self.cache_write, self.audio_input, self.image_input)
        produced = (self.output, self.audio_output, self.image_output)
        object.__setattr__(self, "_dearest_input", max(rate.highest for rate in given))
        object.__setattr__(self, "_dearest_output", max(rate.highest for rate in produced))

    def cost(self, usage: Usage) -> int:
        """Pico-dollars for this usage; reasoning is output. A fraction of one is rounded up."""
        return self._given(usage) + self._produced(usage) + self._other(usage.characters, usage.audio_ms)

    def most(self, size: Size) -> int:
        """The most pico-dollars that a call of at most this size can cost."""
        return (
            size.input_tokens * self._dearest_input
            + size.output_tokens * self._dearest_output
            + self._other(size.characters, size.audio_ms)
        )

    def at_percent(self, percent: int) -> "TierPrices":
        """So many percent of these prices."""
        return TierPrices(
            input=self.input.at_percent(percent),
            cached_input=self.cached_input.at_percent(percent),
            cache_write=self.cache_write.at_percent(percent),
            audio_input=self.audio_input.at_percent(percent),
            image_input=self.image_input.at_percent(percent),
            output=self.output.at_percent(percent),
            audio_output=self.audio_output.at_percent(percent),
            image_output=self.image_output.at_percent(percent),
            character=_share(self.character, percent),
            audio_hour=_share(self.audio_hour, percent),
        )

    def _given(self, usage: Usage) -> int:
        size = usage.input_tokens
        cached, written = usage.cached_input_tokens, usage.cache_write_tokens
        heard, seen = usage.audio_input_tokens, usage.image_input_tokens
        cost = (size - cached - written - heard - seen) * self.input.at(size)
        if cached:
            cost += cached * self.cached_input.at(size)
        if written:
            cost += written * self.cache_write.at(size)
        if heard:
            cost += heard * self.audio_input.at(size)
        if seen:
            cost += seen * self.image_input.at(size)
        return cost

    def _produced(self, usage: Usage) -> int:
        size, spoken, drawn = usage.input_tokens, usage.audio_output_tokens, usage.image_output_tokens
        cost = (usage.output_tokens - spoken - drawn) * self.output.at(size)
        if spoken:
            cost += spoken * self.audio_output.at(size)
        if drawn:
            cost += drawn * self.image_output.at(size)
        return cost

    def _other(self, characters: int, audio_ms: int) -> int:
        return characters * self.character - (-audio_ms * self.audio_hour // _MS_PER_HOUR)


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """A model's prices by service tier, the largest output it can give, the most it can read, what it is billed by."""

    tiers: Mapping[str, TierPrices]
    max_output_tokens: int
    context_window: int
    version: str
    unit: Unit = Unit.TOKENS

    def tier(self, name: str | None) -> TierPrices:
        """The prices of a service tier; a tier without prices of its own costs what the default one does."""
        return self.tiers.get(name or DEFAULT_TIER) or self.tiers[DEFAULT_TIER]

    def most(self, tier: str, size: Size) -> int:
        """The most pico-dollars that a call of at most this size can cost.

        Unless the caller names a tier, the provider chooses one, and the dearest counts.
        """
        tiers = [self.tiers[tier]] if tier in self.tiers else self.tiers.values()
        return max(prices.most(size) for prices in tiers)

    def in_batches(self, percent: int) -> "ModelPrices":
        """The prices of a provider's batches: so many percent of the ordinary ones, whatever tier it names."""
        only = {DEFAULT_TIER: self.tiers[DEFAULT_TIER].at_percent(percent)}
        return ModelPrices(only, self.max_output_tokens, self.context_window, f"{self.version} batch", self.unit)


def _share(amount: int, percent: int) -> int:
    return -(-amount * percent // 100)
