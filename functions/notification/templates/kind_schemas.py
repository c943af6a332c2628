"""What is told of kinds of notifications, and of what their templates are made of."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from llmo_core.model import Model
from notification.kinds.models import Category, Channel, Kind
from notification.templates.parts import OF_LAYOUTS as PARTS_OF_LAYOUTS
from notification.templates.parts import PARTS, Part
from notification.templates.variables import COMMON, OF_LAYOUTS
from notification.templates.wordings import customizable, is_own


class KindOut(Model):
    """A kind of notification. `channels` are where it goes unless somebody chooses otherwise.

    `variables` are what its templates can use, each with an example, besides those that all have.
    """

    name: str
    category: Category
    critical: Annotated[bool, Field(description="Whether nobody can mute it.")]
    customizable: Annotated[bool, Field(description="Whether you can have templates of your own of it.")]
    own: Annotated[bool, Field(description="Whether it is one of yours.")]
    channels: tuple[Channel, ...]
    summary: str
    variables: Mapping[str, Any]

    @classmethod
    def of(cls, kind: Kind) -> Self:
        """Show a kind."""
        return cls(
            **kind.model_dump(), critical=kind.critical, customizable=customizable(kind.name), own=is_own(kind.name)
        )


class PartOut(Model):
    """A part of a template. `longest` are characters of its source."""

    name: str
    required: bool
    html: Annotated[bool, Field(description="Whether it is HTML, in which values are escaped.")]
    longest: int


class KindsOut(Model):
    """The platform's kinds and yours.

    `common` are the variables that all templates can use, `common_of_layouts` those of layouts besides; `parts` is what
    a template has on each channel, `parts_of_layouts` what a layout has.
    """

    data: list[KindOut]
    common: tuple[str, ...] = COMMON
    common_of_layouts: tuple[str, ...] = OF_LAYOUTS
    parts: Mapping[Channel, list[PartOut]]
    parts_of_layouts: list[PartOut]

    @classmethod
    def of(cls, kinds: Sequence[Kind]) -> Self:
        """Show kinds, and what their templates are made of."""
        return cls(
            data=[KindOut.of(kind) for kind in kinds],
            parts={channel: _shown(parts) for channel, parts in PARTS.items()},
            parts_of_layouts=_shown(PARTS_OF_LAYOUTS),
        )


def _shown(parts: Mapping[str, Part]) -> list[PartOut]:
    return [PartOut(name=name, **part._asdict()) for name, part in parts.items()]
