"""What is metered: by which unit, how much of it, and how much it can be."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """What a model is billed by.

    `images`: by tokens too, but only its own endpoint tells those of images from those of text. `free`: not at all.
    """

    TOKENS = "tokens"
    IMAGES = "images"
    CHARACTERS = "characters"
    SECONDS = "seconds"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used, as OpenAI reports it.

    Cached, written (to the provider's cache), audio and image tokens are part of the input, reasoning, audio and image
    ones of the output; no token of the input is counted as two of these. `characters` are those that were read aloud,
    `audio_ms` the milliseconds that were listened to.
    """

    input_tokens: int
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    characters: int = 0
    audio_ms: int = 0

    @property
    def tokens(self) -> int:
        """Of input and output."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        counts = {name: getattr(self, name) + getattr(other, name) for name in Usage.__slots__ if name != "estimated"}
        return Usage(**counts, estimated=self.estimated or other.estimated)


NO_USAGE: Final = Usage(0)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a call is: tokens of its input and output, characters to read aloud, milliseconds of audio."""

    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0
    audio_ms: int = 0
