"""What projects want kept of their calls."""

from dataclasses import dataclass

from integration.guarding.rules import Pii


@dataclass(frozen=True, slots=True)
class ContentLogging:
    """How long contents of a project's calls are kept, and what is left out of them."""

    retention_days: int
    redact: tuple[Pii, ...] = ()
