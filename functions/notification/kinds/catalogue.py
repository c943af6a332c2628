"""The kinds of notifications that the platform itself sends.

Amounts are minor units beside a `currency`, moments RFC 3339, links paths below the address of the application:
templates format them (`money`, `moment`, `link`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from llmo_core.errors import NotFound
from notification.kinds.models import Kind
from notification.kinds.of_analytics import OF_ANALYTICS
from notification.kinds.of_people import OF_PEOPLE
from notification.kinds.of_services import OF_SERVICES

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.name: kind for kind in (*OF_PEOPLE, *OF_SERVICES, *OF_ANALYTICS)}
)

FAREWELLS: Final = frozenset({"account_deleted", "member_removed"})
"""What people are told last: of those who get it nothing is kept."""


class UnknownKind(NotFound):
    """There is no notification of this kind."""


def kind_named(name: str) -> Kind:
    """The kind of this name. Raises UnknownKind."""
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind
    return kind
