"""How an event is told of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmo_auth.principal import Permission
from notification.kinds.models import Audience

type Data = Mapping[str, Any]
"""An event's."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How an event is told of.

    Attributes:
        fields: What templates get to see, by the names of the kind's variables: fields of the event.
        once: Fields of which only the first event with the same values is told; none for each event.
        when: Whether it is told at all.
        asker: The field that says whose doing it is, where somebody else may be told.
    """

    kind: str
    audience: Callable[[Data], Audience]
    fields: Mapping[str, str] = field(default_factory=dict)
    once: Sequence[str] = ()
    when: Callable[[Data], bool] = lambda _: True
    asker: str | None = None


def same(*names: str) -> dict[str, str]:
    """Fields that templates see by their own names."""
    return {name: name for name in names}


def who_may(permission: Permission) -> Callable[[Data], Audience]:
    """Members of the organization who may do something, whatever the event says."""
    return lambda _: Audience(permission=permission)
