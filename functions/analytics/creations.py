"""What requests make that may be repeated; see `analytics.idempotent_creation`."""

from dataclasses import dataclass
from uuid import UUID

from llmo_auth.idempotency_keys import IdempotencyKeyReused


@dataclass(frozen=True, slots=True)
class Creation:
    """What a request is to make.

    Attributes:
        id: Of the new thing: the same for every repetition.
        request_hash: Of the request; kept with the thing. None without a key: then nothing is a repetition.
    """

    id: UUID
    request_hash: str | None

    def made[T](self, thing: T, kept_hash: str | None, *, repeated: bool) -> "Made[T]":
        """What is kept under the id. Raises IdempotencyKeyReused when another request asked for it."""
        if kept_hash != self.request_hash:
            raise IdempotencyKeyReused
        return Made(thing, repeated)


@dataclass(frozen=True, slots=True)
class Made[T]:
    """A thing, and whether an earlier request made it."""

    thing: T
    repeated: bool
