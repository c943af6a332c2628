"""How often a cache would answer rightly and wrongly, by threshold and by guards."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from integration.gateway.canonical import canonical
from integration.gateway.facts import Facts, facts
from tests.load.semantic_cache.embedders import Embedder
from tests.load.semantic_cache.guards import GUARDS
from tests.load.semantic_cache.pairs import Kind, Pair

THRESHOLDS: Final = (0.80, 0.85, 0.88, 0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
DEFAULT_THRESHOLD: Final = 0.94
DEFAULT_GUARDS: Final = tuple(GUARDS)
_LENIENT: Final = tuple(name for name in GUARDS if name != "no replaced word")

type Rule = Callable[["Judged"], bool]


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair, and how near its messages are to a model."""

    pair: Pair
    similarity: float
    first: Facts
    second: Facts

    def passes(self, guards: Sequence[str]) -> bool:
        """Whether nothing that these guards compare differs."""
        return all(GUARDS[name](self.first, self.second) for name in guards)


@dataclass(frozen=True, slots=True)
class Score:
    """What a rule does.

    Attributes:
        precision: Of its hits, how many are right; None without a hit.
        recall: Of the paraphrases, how many are hits.
        false_hits: How many of the other pairs are hits.
        others: How many others there are.
    """

    rule: str
    threshold: float
    precision: float | None
    recall: float
    false_hits: int
    others: int

    def row(self) -> str:
        """A line of the table."""
        precision = "-" if self.precision is None else f"{self.precision:.3f}"
        false = f"{self.false_hits}/{self.others}"
        return f"{self.rule:<34} {self.threshold:>5.2f} {precision:>10} {self.recall:>7.2f} {false:>11}"


HEADING: Final = f"{'rule':<34} {'at':>5} {'precision':>10} {'recall':>7} {'false hits':>11}"


def judge(pairs: Sequence[Pair], embedder: Embedder) -> list[Judged]:
    """Each pair with what a model and the guards see in it; vectors are int8, as they would be stored."""
    firsts = embedder.embed([pair.first for pair in pairs])
    seconds = embedder.embed([pair.second for pair in pairs])
    return [
        Judged(pair, _cosine(first, second), facts(pair.first), facts(pair.second))
        for pair, first, second in zip(pairs, firsts, seconds, strict=True)
    ]


def sweep(judged: Sequence[Judged], *, fresh: bool) -> list[Score]:
    """Every rule at every threshold, over the pairs that the guards were made with, or over the fresh ones."""
    judged = [one for one in judged if one.pair.kind.fresh is fresh]
    rules: Mapping[str, tuple[str, ...]] = {
        "cosine": (),
        "cosine, guards but the last": _LENIENT,
        "cosine, all guards": DEFAULT_GUARDS,
    }
    return [
        _score(name, threshold, judged, partial(_hit, threshold=threshold, guards=guards))
        for name, guards in rules.items()
        for threshold in THRESHOLDS
    ]


def without_model(pairs: Sequence[Pair], *, fresh: bool) -> Score:
    """The rule that needs no model: equal but for courtesy, case and punctuation."""
    judged = [Judged(pair, 1, facts(""), facts("")) for pair in pairs if pair.kind.fresh is fresh]
    return _score("same but for courtesy, no model", 0, judged, _same_form)


def each_guard(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """What every guard does by itself, above a low threshold: how many paraphrases and near misses it refuses."""
    near = [one for one in judged if one.similarity >= THRESHOLDS[0] and not one.pair.kind.fresh]
    return [
        {
            "guard": name,
            "paraphrases_refused": _refused(near, name, same=True),
            "near_misses_refused": _refused(near, name, same=False),
        }
        for name in GUARDS
    ]


def false_hits(judged: Sequence[Judged]) -> dict[str, Any]:
    """What stays wrong with the default threshold and guards, and of which category the near misses above it are."""
    others = [one for one in judged if not one.pair.kind.same and one.similarity >= DEFAULT_THRESHOLD]
    left = [one for one in others if one.passes(DEFAULT_GUARDS)]
    return {
        "above_threshold_by_category": dict(Counter(one.pair.category for one in others)),
        "past_the_guards": [
            {**asdict(one.pair), "similarity": round(one.similarity, 3)} for one in sorted(left, key=_similarity)
        ],
    }


def _cosine(first: Any, second: Any) -> float:
    first, second = ((vector * 127 / abs(vector).max()).round() for vector in (first, second))
    return float(first @ second / ((first @ first) * (second @ second)) ** 0.5)


def _score(rule: str, threshold: float, judged: Sequence[Judged], hit: Rule) -> Score:
    hits = Counter(one.pair.kind.same for one in judged if hit(one))
    same = sum(one.pair.kind.same for one in judged)
    precision = hits[True] / hits.total() if hits else None
    return Score(rule, threshold, precision, hits[True] / same, hits[False], len(judged) - same)


def _hit(one: Judged, *, threshold: float, guards: Sequence[str]) -> bool:
    return one.similarity >= threshold and one.passes(guards)


def _same_form(one: Judged) -> bool:
    return canonical(one.pair.first) == canonical(one.pair.second)


def _refused(judged: Sequence[Judged], guard: str, *, same: bool) -> str:
    asked = [one for one in judged if one.pair.kind.same is same and one.pair.kind is not Kind.UNRELATED]
    return f"{sum(not one.passes([guard]) for one in asked)}/{len(asked)}"


def _similarity(one: Judged) -> float:
    return -one.similarity
