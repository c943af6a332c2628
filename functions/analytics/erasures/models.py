"""People, by the ids that organizations know them by."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What an id is: of a user (also the `user` of an LLM call), or of an anonymous visitor. The two are never one."""

    USER = "user"
    ANONYMOUS = "anonymous"


class Person(NamedTuple):
    """Somebody of an organization."""

    kind: Kind
    id: str
