"""What the use cases of routes need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.routes.models import Route


class Routes(Protocol):
    """Routes; every method is limited to the organization it names."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Route]:
        """At most `limit` routes, the newest first, that are older than the route `before`."""
        ...

    async def find(self, org_id: UUID, route_id: UUID) -> Route | None:
        """The route, unless it is removed."""
        ...

    async def add(self, route: Route) -> None:
        """Keep a new route, whose name is free."""
        ...

    async def change(self, route: Route) -> None:
        """Keep another version of a route, whose name is free or its own."""
        ...

    async def remove(self, route: Route, *, at: datetime) -> None:
        """Mark a route as removed."""
        ...
