"""Guardrails as data: what is looked for in the texts of calls and answers, and what is done about it.

Nothing here loads an engine for patterns: the gateway starts with it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MOST_GUARDRAILS: Final = 50
MOST_PATTERN_CHARACTERS: Final = 1_000
MOST_WORDS: Final = 1_000
MOST_WORD_CHARACTERS: Final = 100
MOST_CHARACTERS_OF_WORDS: Final = 250_000
"""Of all of an organization's guardrails: compiled in an eighth of a second, looked for in a megabyte in two thirds."""


class Stage(StrEnum):
    """Which texts are looked at: what callers send, what models answer, or both."""

    INPUT = "input"
    OUTPUT = "output"
    BOTH = "both"

    def covers(self, stage: "Stage") -> bool:
        """Whether texts of this stage are looked at."""
        return self in {stage, Stage.BOTH}


class Kind(StrEnum):
    """How a guardrail finds what it looks for."""

    PATTERN = "pattern"
    PII = "pii"
    DENY = "deny"
    ALLOW = "allow"


class Action(StrEnum):
    """What is done about it: the call ends, the place is replaced by a name, or it is only noted."""

    BLOCK = "block"
    MASK = "mask"
    FLAG = "flag"


class Pii(StrEnum):
    """Kinds of personal data and secrets."""

    EMAIL = "email"
    PHONE = "phone"
    CREDIT_CARD = "credit_card"
    IBAN = "iban"
    IP_ADDRESS = "ip_address"
    US_SSN = "us_ssn"
    SECRET = "secret"  # noqa: S105 - the name of a kind

    @property
    def label(self) -> str:
        """What stands in its place when it is masked."""
        return f"[{self.name}]"


@dataclass(frozen=True, slots=True)
class Rule:
    """One guardrail.

    Attributes:
        pattern: Of kind `pattern`, and of `allow` if it has one.
        pii: Of kind `pii`.
        words: Words and phrases, of kinds `deny` and `allow`.
        message: What the caller is told when it blocks.
    """

    name: str
    stage: Stage
    kind: Kind
    action: Action
    pattern: str | None = None
    pii: tuple[Pii, ...] = ()
    words: tuple[str, ...] = field(default=(), repr=False)
    message: str = ""

    @property
    def label(self) -> str:
        """What stands in place of what it masks: its own name in capitals, but for personal data."""
        letters = "".join(letter if letter.isalnum() else "_" for letter in self.name.upper())
        return f"[{letters}]"


@dataclass(frozen=True, slots=True)
class Triggered:
    """A guardrail that found something, and what it did."""

    name: str
    stage: Stage
    action: Action
