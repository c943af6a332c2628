"""What a call asks the answers to similar calls for, and what it finds."""

from dataclasses import dataclass, field
from uuid import UUID

from integration.gateway.facts import Wording
from integration.gateway.similarity import Vector


@dataclass(frozen=True, slots=True)
class Sought:
    """A call that the answer to one with the same meaning may do for.

    Attributes:
        bucket: Digest of all that must be equal: model, parameters, earlier messages, single facts of the last one.
        model: What embeds, as the policy names it.
        text: The last message.
        wording: What is compared of it with that of another one.
        digest: Names the message among those that a person told apart.
        threshold: The least cosine.
        answers: Whether the answer is given; in the shadow it is only told that there is one.
    """

    bucket: str
    model: str
    text: str = field(repr=False)
    wording: Wording = field(repr=False)
    digest: bytes = field(repr=False)
    threshold: float
    answers: bool


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vector of a text, and what it cost to ask for it (pico-dollars)."""

    vector: Vector
    cost_pico: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored answer to a call of the same bucket.

    Attributes:
        answer: Digest of the call that it answers.
    """

    entry: UUID
    vector: Vector
    wording: Wording
    digest: bytes
    answer: str


@dataclass(frozen=True, slots=True)
class Match:
    """The stored answer to a call with the same meaning.

    Attributes:
        similarity: Cosine of both vectors.
        answers: Whether the call got it; in the shadow it did not.
    """

    entry: UUID
    similarity: float
    answers: bool

    @property
    def kind(self) -> str:
        """How headers and events name it."""
        return "semantic" if self.answers else "shadow"
