"""The error tree: every refusal that the platform expects.

A service names its own errors below these kinds (`class AlreadySubscribed(Conflict)`). The HTTP status of a kind lives
in one place, `llmo_core.http.problems`. Anything outside this tree is a defect and becomes a 500.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class LlmoError(Exception):
    """An expected refusal.

    The name of the class is the stable error code that clients may rely on: `AlreadySubscribed` is announced as
    `already_subscribed`. The message is for people and may change.

    Attributes:
        extensions: What a program needs to go on, as JSON: members of the problem document besides those of RFC 9457.
            They may be secrets of the caller's.
    """

    title: ClassVar[str] = "The request could not be carried out"
    extensions: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (self.__doc__ or self.title).strip().splitlines()[0]
        super().__init__(self.detail)

    @property
    def code(self) -> str:
        """The stable, snake_case name of this error."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()


class Invalid(LlmoError):
    """The request is well-formed, but a value in it makes no sense here."""

    title = "Invalid request"


class Unauthenticated(LlmoError):
    """No valid credentials came with the request."""

    title = "Authentication required"


class Forbidden(LlmoError):
    """The caller may not do this."""

    title = "Not allowed"


class NotFound(LlmoError):
    """There is nothing under this name that the caller may see."""

    title = "Not found"


class Conflict(LlmoError):
    """The request contradicts the present state."""

    title = "Conflict"


class Stale(LlmoError):
    """Somebody else changed it meanwhile: read it again, and decide anew."""

    title = "Changed meanwhile"


class Unprocessable(LlmoError):
    """The request contradicts an earlier one that it says it repeats."""

    title = "Not a repetition"


class TooLarge(LlmoError):
    """The request is larger than anything that is read here."""

    title = "Too large"


class TooManyRequests(LlmoError):
    """The caller is over a limit."""

    title = "Too many requests"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(LlmoError):
    """Something that this request needs does not answer; trying again later may help."""

    title = "Temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
