"""How far an organization may use the gateway, as billing says. The gateway starts with it: no pydantic in here."""

from enum import StrEnum


class Standing(StrEnum):
    """What an organization that owes something for too long may still do."""

    FULL = "full"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"
