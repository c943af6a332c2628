"""Places in JSON, by the paths that lead there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Slot:
    """Where something stands, as a rule a text.

    Attributes:
        where: The members that lead there. Entries of lists are told by the `index` that they give themselves.
        part_of: Names the text that this is a piece of, where a stream brings it piece by piece; None for a whole.
    """

    holder: Any
    name: str | int
    where: tuple[object, ...] = ()
    part_of: tuple[object, ...] | None = None

    @property
    def text(self) -> str:
        """The text."""
        text: str = self.holder[self.name]
        return text

    def put(self, text: str) -> None:
        """Put another text in its place."""
        self.holder[self.name] = text

    def of(self, *whole: object) -> "Slot":
        """The same as a piece of a text."""
        return Slot(self.holder, self.name, self.where, whole)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where to look.

    Attributes:
        end: Whether a path ends here.
        steps: What follows each member that is a step of a path.
    """

    end: bool
    steps: Mapping[str, "Paths"]


def paths(*dotted: str) -> Paths:
    """Paths, as `choices.message.content`: a step into a list is one into each entry, and `*` is any member."""
    below: dict[str, list[str]] = {}
    for path in filter(None, dotted):
        step, _, rest = path.partition(".")
        below.setdefault(step, []).append(rest)
    return Paths(not all(dotted), {step: paths(*rest) for step, rest in below.items()})


def members(holder: Any, wanted: Paths, where: tuple[object, ...] = ()) -> Iterator[Slot]:  # noqa: ANN401 - any JSON
    """Where what paths lead to stands, whatever it is, in the order in which it was sent."""
    if isinstance(holder, list):
        for entry in holder:
            if isinstance(entry, dict):
                yield from members(entry, wanted, (*where, entry.get("index")))
    elif isinstance(holder, dict):
        for name, value in holder.items():
            below = wanted.steps.get(name) or wanted.steps.get(_ANY)
            if below is None:
                continue
            if below.end:
                yield Slot(holder, name, (*where, name))
            if below.steps and isinstance(value, list | dict):
                yield from members(value, below, (*where, name))


def texts_at(holder: Any, wanted: Paths) -> Iterator[Slot]:  # noqa: ANN401 - any JSON
    """The texts that paths lead to, and those in lists that they lead to."""
    for slot in members(holder, wanted):
        value = slot.holder[slot.name]
        if isinstance(value, str):
            yield slot
        elif isinstance(value, list):
            yield from (
                Slot(value, place, (*slot.where, place)) for place, entry in enumerate(value) if isinstance(entry, str)
            )
