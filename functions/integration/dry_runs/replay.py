"""Replaying calls against a policy, in the order in which the gateway applies its parts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from integration.choices import Caching
from integration.dry_runs.models import Effect, Optimization, PastCall, Reason, Replayed
from integration.gateway.metering import Usage
from integration.gateway.organization import Policy
from integration.gateway.rates import TierPrices

TRIMMED_ENDPOINT: Final = "chat.completions"
"""Only its calls are trimmed and capped; see gateway.optimizing."""

ALIKE: Final = frozenset((Caching.FORM, Caching.SEMANTIC))
"""Policies by which calls are answered that are only like others. What more they would find is not replayed."""

type PricesOf = Callable[[PastCall], TierPrices | None]
"""What the model costs today that answered a call; None where nobody knows."""
type Substitute = Callable[[PastCall, str], TierPrices | None]
"""What a model costs that would answer a call in place of another one; None where it takes no such call."""


class Replay:
    """Replays calls, the oldest first.

    Costs are scaled: a call's own cost, times what the changed call would cost at today's prices over what the call as
    it was would cost at them. So prices that have changed since, and discounts that they do not tell of, do not matter.
    """

    def __init__(self, policy: Policy, *, prices_of: PricesOf, substitute: Substitute) -> None:
        self._policy = policy
        self._prices_of = prices_of
        self._substitute = substitute
        self._effects: defaultdict[Optimization, Effect] = defaultdict(Effect)
        self._left_out: Counter[Reason] = Counter()
        self._stored: dict[tuple[UUID, str], datetime] = {}
        self._calls = self._cost = self._replayed = 0

    def add(self, calls: Iterable[PastCall]) -> None:
        """Replay these after those before."""
        for call in calls:
            self._calls += 1
            self._cost += call.cost_pico
            self._replayed += self._one(call)

    def result(self) -> Replayed:
        """What came of all of them."""
        return Replayed(self._calls, self._cost, self._replayed, dict(self._effects), dict(self._left_out))

    def _one(self, call: PastCall) -> int:
        """What a call would have cost."""
        if call.failed:
            self._left_out[Reason.FAILED] += 1
            return call.cost_pico
        tokens = call.input_tokens + call.output_tokens
        if self._answered(call):
            if not call.hit:
                self._note(Optimization.CACHE, tokens, call.full_cost_pico)
                return 0
            return call.cost_pico
        if call.hit:  # it would not have been one
            self._note(Optimization.CACHE, -tokens, call.cost_pico - call.full_cost_pico)
        return self._made(call)

    def _answered(self, call: PastCall) -> bool:
        """Whether the cache would have answered it."""
        policy = self._policy
        if policy.cache is Caching.OFF:
            return False
        if call.alike:  # nothing says what would be like it under another rule
            return policy.cache in ALIKE
        if call.fingerprint is None:
            return call.hit  # it was, and nothing says that it would not have been
        stored = (call.project_id, call.fingerprint)
        expires_at = self._stored.get(stored)
        if expires_at is not None and call.started_at < expires_at:
            return True
        self._stored[stored] = call.started_at + timedelta(seconds=policy.cache_ttl)
        return call.hit and expires_at is None  # what answered it was stored before the first of these calls

    def _made(self, call: PastCall) -> int:
        """What a call would have cost that its provider answers."""
        prices = self._prices_of(call)
        before = prices.cost(_usage(call)) if prices is not None else 0
        if prices is None or not before:
            if prices is None and call.full_cost_pico:
                self._left_out[Reason.UNKNOWN_PRICE] += 1
            return call.full_cost_pico
        cost, tokens = call.full_cost_pico, call.input_tokens + call.output_tokens
        for optimization, changed, at in self._changes(call, prices):
            after = call.full_cost_pico * at.cost(_usage(changed)) // before
            left = changed.input_tokens + changed.output_tokens
            self._note(optimization, tokens - left, cost - after)
            cost, tokens = after, left
        return cost

    def _changes(self, call: PastCall, prices: TierPrices) -> Iterable[tuple[Optimization, PastCall, TierPrices]]:
        """What is changed, one after the other, with the call and the prices from then on."""
        policy = self._policy
        name = policy.substitutes.get(call.requested_model)
        fits = policy.substitute_up_to is None or call.input_tokens <= policy.substitute_up_to
        if name is not None and fits and (substitute := self._substitute(call, name)) is not None:
            prices = substitute
            yield Optimization.SUBSTITUTE, call, prices
        if call.endpoint != TRIMMED_ENDPOINT:
            return
        if policy.trim_to_tokens is not None and call.input_tokens > policy.trim_to_tokens:
            kept = policy.trim_to_tokens
            call = replace(call, input_tokens=kept, cached_input_tokens=min(call.cached_input_tokens, kept))
            yield Optimization.TRIM, call, prices
        if policy.max_output_tokens is not None and call.output_tokens > policy.max_output_tokens:
            yield Optimization.CAP, replace(call, output_tokens=policy.max_output_tokens), prices

    def _note(self, optimization: Optimization, tokens: int, saved_pico: int) -> None:
        effect = self._effects[optimization]
        effect.calls += 1
        effect.tokens += tokens
        effect.saved_pico += saved_pico


def _usage(call: PastCall) -> Usage:
    return Usage(call.input_tokens, min(call.cached_input_tokens, call.input_tokens), call.output_tokens)
