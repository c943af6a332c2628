"""Places in JSON, by the paths that lead there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

type Path = tuple[str, ...]

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


def paths(*dotted: str) -> tuple[Path, ...]:
    """Paths, as `choices.message.content`: a step into a list is one into each entry, and `*` is any member."""
    return tuple(tuple(path.split(".")) for path in dotted)


def members(holder: Any, path: Path, where: tuple[object, ...] = ()) -> Iterator[Slot]:  # noqa: ANN401 - any JSON
    """Where what a path leads to stands, whatever it is."""
    if isinstance(holder, list):
        for entry in holder:
            if isinstance(entry, dict):
                yield from members(entry, path, (*where, entry.get("index")))
    elif isinstance(holder, dict):
        step, *rest = path
        for name in holder if step == _ANY else (step,) if step in holder else ():
            if rest:
                yield from members(holder[name], tuple(rest), (*where, name))
            else:
                yield Slot(holder, name, (*where, name))


def texts_at(holder: Any, wanted: Iterable[Path]) -> Iterator[Slot]:  # noqa: ANN401 - any JSON
    """The texts that paths lead to, and those in lists that they lead to."""
    for path in wanted:
        for slot in members(holder, path):
            value = slot.holder[slot.name]
            if isinstance(value, str):
                yield slot
            elif isinstance(value, list):
                yield from (
                    Slot(value, place, (*slot.where, place))
                    for place, entry in enumerate(value)
                    if isinstance(entry, str)
                )
