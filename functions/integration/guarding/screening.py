"""What guardrails find in the texts of one call, and what becomes of the texts.

Blocking comes before masking, and masking before flagging: every guardrail looks at the texts as they were given, and
where several mask the same place it is replaced once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from integration.guarding.folding import Folded, fold
from integration.guarding.patterns import Span, compiled, spans
from integration.guarding.personal_data import finders
from integration.guarding.rules import Action, Kind, Rule, Stage, Triggered
from integration.guarding.words import spans_of_words, words_pattern

MOST_SECONDS: Final = 5.0
"""How long the texts of one call are looked at. A guardrail that has not come to its end by then blocks the call."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found, in characters, and what stands there when it is masked."""

    start: int
    end: int
    label: str


class OutOfTime(Exception):
    """The texts cannot be looked at in time."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What was found.

    Attributes:
        texts: As they were given, with masks in them.
        triggered: The guardrails that found something, in their order.
        blocked: The guardrail that ends the call; None when it goes on.
    """

    texts: tuple[str, ...]
    triggered: tuple[Triggered, ...]
    blocked: Rule | None = None


class Compiled:
    """One guardrail, ready to look, also in several threads at the same time."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._pattern = compiled(rule.pattern) if rule.pattern is not None else None
        self._words = words_pattern(rule.words) if rule.words else None
        self._finders = [(finder, kind.label) for kind in rule.pii for finder in finders(kind)]
        self.labels = {label for _, label in self._finders} or {rule.label}

    def places(self, view: "_View", *, again: bool) -> Iterator[Place]:
        """Where it finds something in a text.

        Args:
            view: The text.
            again: Not as a pattern: what an arbitrary pattern finds beside a mask depends on the mask.
        """
        if self._pattern is not None and not again:
            yield from _in_characters(view.text, view.raw, spans(self._pattern, view.raw), self.rule.label)
        if self._words is not None:
            yield from _as_given(view.folded, view.seen, spans_of_words(self._words, view.seen), self.rule.label)
        for finder, label in self._finders:
            yield from _as_given(view.folded, view.seen, finder.spans(view.seen), label)


class _View:
    """A text as guardrails look at it, each way made once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def raw(self) -> bytes:
        """As bytes."""
        return self.text.encode()

    @cached_property
    def folded(self) -> Folded:
        """As it looks."""
        return fold(self.text)

    @cached_property
    def seen(self) -> bytes:
        """As it looks, as bytes."""
        return self.raw if self.folded.text is self.text else self.folded.text.encode()


class Screen:
    """Some guardrails, compiled.

    Args:
        rules: In the order in which they are told of.
        timer: Seconds of any clock.
        ready: Makes them ready to look.
    """

    def __init__(
        self, rules: Iterable[Rule], *, timer: Callable[[], float], ready: Callable[[Rule], Compiled] = Compiled
    ) -> None:
        self._guardrails = [*map(ready, rules)]
        self._timer = timer

    def look(self, texts: Sequence[str], stage: Stage) -> Screened:
        """What the guardrails find in the texts of one call, and what they make of them."""
        asked = [guardrail for guardrail in self._guardrails if guardrail.rule.stage.covers(stage)]
        until = self._timer() + MOST_SECONDS
        found: list[list[Place]] = [[] for _ in texts]
        views = [*map(_View, texts)]
        triggered: list[Triggered] = []
        blocked: Rule | None = None
        for guardrail in asked:
            rule = guardrail.rule
            try:
                hit = self._asked(guardrail, views, found, until)
            except OutOfTime:
                blocked = rule
                triggered.append(Triggered(rule.name, stage, Action.BLOCK))
                break
            if hit:
                triggered.append(Triggered(rule.name, stage, rule.action))
                if rule.action is Action.BLOCK and blocked is None:
                    blocked = rule
        if blocked is not None:
            return Screened(tuple(texts), tuple(triggered), blocked)
        masking = [guardrail for guardrail in asked if guardrail.rule.action is Action.MASK]
        try:
            masked = tuple(
                self._masked(text, places, masking, until) for text, places in zip(texts, found, strict=True)
            )
        except OutOfTime:
            slow = masking[-1].rule
            return Screened(tuple(texts), (*triggered, Triggered(slow.name, stage, Action.BLOCK)), slow)
        return Screened(masked, tuple(triggered))

    def _asked(self, guardrail: Compiled, views: Sequence[_View], found: list[list[Place]], until: float) -> bool:
        """Whether a guardrail has something to say; where it masks, its places are added to those that were found."""
        rule = guardrail.rule
        hit = False
        for view, places in zip(views, found, strict=True):
            for place in self._places(guardrail, view, until):
                hit = True
                if rule.action is not Action.MASK:
                    break
                places.append(place)
            if hit and rule.action is not Action.MASK:
                break
        return hit is not (rule.kind is Kind.ALLOW)

    def _places(self, guardrail: Compiled, view: _View, until: float, *, again: bool = False) -> Iterator[Place]:
        if self._timer() > until:
            raise OutOfTime
        for place in guardrail.places(view, again=again):
            yield place
            if self._timer() > until:
                raise OutOfTime

    def _masked(self, text: str, places: list[Place], masking: Sequence[Compiled], until: float) -> str:
        """A text with masks, in which the masking guardrails find nothing more but what patterns find."""
        labels = {label for guardrail in masking for label in guardrail.labels}
        while new := _outside(labels, text, places):
            text = replaced(text, new)
            view = _View(text)
            places = [place for guardrail in masking for place in self._places(guardrail, view, until, again=True)]
        return text


def _outside(labels: Iterable[str], text: str, places: Iterable[Place]) -> list[Place]:
    """The places that do not lie in masks."""
    ordered = sorted(places, key=lambda place: place.start)
    masks = _masks(labels, text) if ordered else iter(())
    mask = next(masks, None)
    outside: list[Place] = []
    for place in ordered:
        while mask is not None and mask[1] <= place.start:
            mask = next(masks, None)
        if mask is None or place.start < mask[0] or mask[1] < place.end:
            outside.append(place)
    return outside


def _masks(labels: Iterable[str], text: str) -> Iterator[Span]:
    """Where masks stand in a text, one after the other; those side by side are one. No two labels overlap."""
    start = end = 0
    for found in re.finditer("|".join(map(re.escape, sorted(labels))), text):
        if found.start() > end:
            yield start, end
            start = found.start()
        end = found.end()
    yield start, end


def replaced(text: str, places: Iterable[Place]) -> str:
    """A text with labels in some places. Places that overlap become one, with the label of the first and longest."""
    pieces: list[str] = []
    end = 0
    for place in sorted(places, key=lambda place: (place.start, -place.end)):
        if place.start < end:
            end = max(end, place.end)
            continue
        pieces += (text[end : place.start], place.label)
        end = place.end
    return "".join((*pieces, text[end:]))


def _in_characters(text: str, data: bytes, found: Iterable[Span], label: str) -> Iterator[Place]:
    """Places in bytes as places in characters."""
    if len(text) == len(data):
        yield from (Place(start, end, label) for start, end in found)
        return
    last = characters = 0
    for start, end in found:
        first = characters + len(data[last:start].decode())
        characters = first + len(data[start:end].decode())
        last = end
        yield Place(first, characters, label)


def _as_given(folded: Folded, seen: bytes, found: Iterable[Span], label: str) -> Iterator[Place]:
    """Places in what a text looks like as places in the text."""
    for place in _in_characters(folded.text, seen, found, label):
        start, end = folded.span(place.start, place.end)
        yield Place(start, end, label)
