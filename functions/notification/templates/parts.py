"""The parts of templates: what each channel has, and how long its source may be."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from notification.kinds.models import Channel
from notification.templates.models import LAYOUT

_LARGE: Final = 262_144
_SHORT: Final = 2_000


class Part(NamedTuple):
    """A part of a template.

    Attributes:
        required: Whether a template has to have it.
        html: Whether it is HTML, in which values are escaped.
        longest: Characters of its source.
    """

    required: bool = True
    html: bool = False
    longest: int = _SHORT


_OPTIONAL: Final = Part(required=False)

PARTS: Final[Mapping[Channel, Mapping[str, Part]]] = MappingProxyType(
    {
        Channel.EMAIL: {
            "subject": Part(),
            "heading": _OPTIONAL,
            "body": Part(html=True, longest=_LARGE),
            "action": _OPTIONAL,
            "url": _OPTIONAL,
        },
        Channel.SMS: {"text": Part(longest=4_000), "url": _OPTIONAL},
        Channel.PUSH: {"title": Part(), "body": Part(longest=4_000), "url": _OPTIONAL},
        Channel.IN_APP: {"title": Part(), "body": Part(longest=8_000), "url": _OPTIONAL},
    }
)
"""Of a mail: `action` is the label of a button that leads to `url`. Links may be paths below the application."""

OF_LAYOUTS: Final[Mapping[str, Part]] = MappingProxyType({"html": Part(html=True, longest=_LARGE)})


def parts_of(kind: str, channel: Channel) -> Mapping[str, Part]:
    """The parts of a template."""
    return OF_LAYOUTS if kind == LAYOUT else PARTS[channel]
