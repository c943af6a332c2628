"""Calls of the past, and what a policy would have made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from llmo_core.errors import Unavailable


class HistoryUnavailable(Unavailable):
    """The usage of the past cannot be read right now."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """What is known of a call: nothing of what was said in it.

    Attributes:
        model: What answered, as its provider names it; `requested_model` as its caller did.
        connection: The organization's own one that answered; None for the deployment's provider.
        full_cost_pico: Pico-dollars that it cost, or would have cost had the cache not answered it.
        cost_pico: What it cost: of a hit nothing, or what comparing its meaning did.
        hit: Whether the cache answered it, and `alike` whether only because it was like another call, not equal to it.
        fingerprint: The same for equal calls; None where the cache had nothing to do with it.
    """

    started_at: datetime
    project_id: UUID
    endpoint: str
    requested_model: str
    model: str
    connection: str | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    full_cost_pico: int
    cost_pico: int
    hit: bool
    fingerprint: str | None
    alike: bool = False
    failed: bool = False


class Optimization(StrEnum):
    """What can make a call cheaper, and be replayed."""

    SUBSTITUTE = "substitute"
    TRIM = "trim"
    CAP = "cap"
    CACHE = "cache"


class Reason(StrEnum):
    """Why something is not replayed."""

    FAILED = "failed"
    UNKNOWN_PRICE = "unknown_price"


@dataclass(slots=True)
class Effect:
    """What one optimization would have done, to how many calls; tokens are those that would not have been needed."""

    calls: int = 0
    tokens: int = 0
    saved_pico: int = 0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a policy would have made of some calls.

    Attributes:
        calls: How many they were.
        cost_pico: What they cost, and `replayed_pico` what they would have cost: more, where a policy saves less than
            the one that there was.
        effects: By optimization.
        left_out: How many calls cost the same in both, for a reason.
    """

    calls: int
    cost_pico: int
    replayed_pico: int
    effects: Mapping[Optimization, Effect]
    left_out: Mapping[Reason, int]


@dataclass(frozen=True, slots=True)
class DryRun:
    """A replay of the calls in [since, until).

    Attributes:
        whole: Whether it was all of them; else only the first ones, until `until`.
        not_estimated: What the policy also does, and nobody can tell the effect of from this alone.
    """

    since: datetime
    until: datetime
    whole: bool
    replayed: Replayed
    not_estimated: Sequence[str]
