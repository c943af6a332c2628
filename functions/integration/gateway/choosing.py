"""In which order a call tries the targets of its route."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from integration.choices import Sticky, Strategy
from integration.gateway.call import Call
from integration.gateway.destinations import Conditions, Route
from integration.gateway.models import Health
from integration.gateway.planning import Plan, Target

_DRAWS: Final = 2**64


UNKNOWN: Final = Health()


def fitting(plan: Plan, call: Call) -> tuple[Target, ...]:
    """The plan's targets that take this call."""
    if plan.route is None:
        return plan.targets
    return tuple(target for target in plan.targets if target.chosen_by and _fits(target.chosen_by.conditions, call))


def _fits(conditions: Conditions, call: Call) -> bool:
    size = call.input_tokens_estimate
    if conditions.min_input_tokens is not None and size < conditions.min_input_tokens:
        return False
    if conditions.max_input_tokens is not None and size > conditions.max_input_tokens:
        return False
    wanted = ((conditions.tools, call.tools), (conditions.vision, call.vision), (conditions.stream, call.stream))
    if any(condition is not None and condition is not fact for condition, fact in wanted):
        return False
    return call.region is None or conditions.region is None or conditions.region == call.region


def ordered(
    route: Route,
    targets: Sequence[Target],
    call: Call,
    *,
    health: Mapping[str, Health],
    who: str,
    now_ms: int,
    draw: Callable[[], float],
) -> list[Target]:
    """The targets in the order in which they are tried.

    Those whose circuit is open come last, the one that closes soonest first: a call that nobody else takes is worth the
    try.

    Args:
        route: The route.
        targets: Those of its targets that take the call.
        call: The call.
        health: By the targets' ids.
        who: The API key, for choices that stick to it.
        now_ms: Milliseconds since 1970.
        draw: Gives numbers from 0 to 1, evenly.
    """
    known = {target.id: health.get(target.id, UNKNOWN) for target in targets}
    working = [target for target in targets if known[target.id].open_until <= now_ms]
    broken = [target for target in targets if known[target.id].open_until > now_ms]
    broken.sort(key=lambda target: known[target.id].open_until)
    return [*_by_strategy(route, working, call, known, _sticking(route, call, who) or draw), *broken]


def _by_strategy(
    route: Route, targets: list[Target], call: Call, known: Mapping[str, Health], draw: Callable[[], float]
) -> list[Target]:
    match route.strategy:
        case Strategy.PRIORITY:
            return targets
        case Strategy.WEIGHTED:
            return _drawn(targets, draw)
        case Strategy.CHEAPEST:
            return sorted(targets, key=lambda target: _likely_cost(target, call))
        case Strategy.FASTEST:  # one that was never called is tried: else nobody would know how fast it is
            return sorted(targets, key=lambda target: known[target.id].latency_ms or 0.0)
        case Strategy.LEAST_BUSY:
            return sorted(targets, key=lambda target: known[target.id].busy / _weight(target))


def _drawn(targets: list[Target], draw: Callable[[], float]) -> list[Target]:
    """All targets, drawn one after the other, each as likely as its weight says."""
    left, drawn = list(targets), []
    while left:
        point = draw() * sum(map(_weight, left))
        for target in left:
            point -= _weight(target)
            if point < 0:
                break
        left.remove(target)
        drawn.append(target)
    return drawn


def _sticking(route: Route, call: Call, who: str) -> Callable[[], float] | None:
    """Draws that are always the same for the same one and the same version of the route."""
    whom = {Sticky.NONE: None, Sticky.KEY: who, Sticky.END_USER: call.end_user}[route.sticky]
    if whom is None:
        return None
    count = 0

    def draw() -> float:
        nonlocal count
        count += 1
        digest = hashlib.blake2b(f"{route.version} {count} {whom}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / _DRAWS

    return draw


def _likely_cost(target: Target, call: Call) -> int:
    return target.prices.most(call.service_tier, call.likely)


def _weight(target: Target) -> int:
    return target.chosen_by.weight if target.chosen_by else 1
