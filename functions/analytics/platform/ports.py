"""What showing the platform's figures needs of the world around it."""

from typing import Protocol

from analytics.platform.models import PlatformFigures, Window


class Figures(Protocol):
    """Where the figures are."""

    async def within(self, window: Window) -> PlatformFigures:
        """Those of every function and queue of the platform, by name. Raises MetricsUnavailable."""
        ...
