"""The variables of templates: those that each has, and those that an organization's own kind declares."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints

from llmo_core.fields import Flag
from llmo_core.model import Model
from notification.kinds.models import Kind

MOST_VARIABLES: Final = 50

COMMON: Final = ("app_url", "person", "organization", "locale", "time_zone", "unsubscribe_url", "now")
"""What every template can use.

`person` is the recipient's name, `organization` the organization's, `unsubscribe_url` where the recipient ends such
messages: each may be null. `now` is when it is rendered, for `moment`.
"""

OF_LAYOUTS: Final = ("content", "subject", "preview", "reason", "unsubscribe")
"""What a layout can use besides: the mail's own HTML, which it has to, and texts in the recipient's language.

`reason` says why somebody gets the mail, `unsubscribe` is the label of a link to `unsubscribe_url`.
"""

_RESERVED: Final = frozenset(COMMON) | frozenset(OF_LAYOUTS)


class VariableType(StrEnum):
    """What a variable holds. Moments are RFC 3339, links paths below the application or addresses."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    LINK = "link"
    LIST = "list"
    OBJECT = "object"


def _not_reserved(name: str) -> str:
    if name in _RESERVED:
        raise ValueError("every template has a variable of this name already")
    return name


class Variable(Model):
    """A variable of an organization's own kind.

    Attributes:
        example: What previews show.
        required: Whether it is given each time; if not, it may be null.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$"), AfterValidator(_not_reserved)]
    type: VariableType = VariableType.TEXT
    example: Any
    required: Flag = True
    description: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""


def example_of(kind: Kind) -> dict[str, Any]:
    """What previews of a kind of the platform show."""
    return dict(kind.variables)
