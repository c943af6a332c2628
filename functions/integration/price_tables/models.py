"""What a refresh of the price tables announces and answers, and why it takes no other prices."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from llmo_core.errors import Invalid, Unavailable
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class Difference(Model):
    """How an edition differs from the one before it, by models as `provider/model`."""

    added: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]


class PricesRefreshed(Event, name="llmo.integration.prices.refreshed"):
    """Another edition of the price tables is in force.

    Attributes:
        dated: When the source had these prices.
        previous: The edition that was in force before.
        added, changed, removed: Models, as `provider/model`; `_count` says how many of each, `models` how many in all.
        accepted: Whether somebody accepted prices that are refused otherwise.
    """

    version: str
    dated: datetime
    previous: str
    models: int
    added: Sequence[str]
    added_count: int
    changed: Sequence[str]
    changed_count: int
    removed: Sequence[str]
    removed_count: int
    accepted: bool


class Status(StrEnum):
    """What came of a run: no source is set, its prices are those in force, or they are now."""

    OFF = "off"
    UNCHANGED = "unchanged"
    REFRESHED = "refreshed"


class Outcome(Model):
    """What one run did, and which edition is in force now."""

    status: Status
    version: str
    added: int = 0
    changed: int = 0
    removed: int = 0


class SourceUnavailable(Unavailable):
    """The source of prices cannot be read."""


class PricesMalformed(Invalid):
    """The source's answer is not what genai-prices publishes."""


class PricesRefused(Invalid):
    """The source's prices differ too much from those in force.

    Attributes:
        content: The digest of what was refused: whoever has looked at it can accept it by this.
        reasons: What speaks against it, one line each.
    """

    def __init__(self, content: str, reasons: Sequence[str]) -> None:
        self.content = content
        self.reasons = tuple(reasons)
        super().__init__(f"{len(self.reasons)} objections to {content}, the first: {self.reasons[0]}")
