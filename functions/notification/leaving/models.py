"""Who has left."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Departed:
    """Somebody who has left an organization, or all of them.

    Attributes:
        email: None of somebody whose account is gone: what was sent to the address is forgotten with the account.
    """

    user_id: UUID
    email: str | None = field(repr=False)
