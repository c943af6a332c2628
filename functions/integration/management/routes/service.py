"""What one can do with routes."""

from collections.abc import Callable, Collection
from uuid import UUID

from integration.management.models import NameTaken, Page, listed
from integration.management.ports import Change, Kept, References
from integration.management.routes.models import (
    NewRoute,
    Route,
    RouteChanged,
    RouteChanges,
    RouteCreated,
    RouteRemoved,
    RouteTargeted,
    UnknownRoute,
)
from integration.management.routes.targets import identified, require_targets
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events


class RouteService:
    """Sets up, shows, changes and removes routes.

    Args:
        new_target_id: Makes short ids; one that a route has already is made anew.
    """

    def __init__(
        self,
        *,
        routes: Kept[Route],
        references: References,
        events: Events,
        change: Change,
        clock: Clock,
        new_id: NewId,
        new_target_id: Callable[[], str],
    ) -> None:
        self._routes = routes
        self._references = references
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id
        self._new_target_id = new_target_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Route]:
        """Routes of the caller's organization, the newest first."""
        return Page.of(await self._routes.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, route_id: UUID) -> Route:
        """A route of the caller's organization. Raises UnknownRoute."""
        found = await self._routes.find(principal.org_id, route_id)
        if found is None:
            raise UnknownRoute
        return found

    async def create(self, principal: Principal, new: NewRoute) -> Route:
        """Set up a route.

        Not safe to retry: its name is taken then. Raises NameTaken, RouteTargeted, UnknownTarget, UnknownTargetId,
        RouteTargetsRoute.
        """
        org_id, now = principal.org_id, self._clock.now()
        route = Route(
            **{**new.model_dump(), "targets": identified(new.targets, (), self._new_target_id)},
            id=self._new_id(),
            org_id=org_id,
            created_by=principal.actor_id,
            created_at=now,
            updated_at=now,
        )
        async with self._change(org_id):
            await self._require_free(route)
            await require_targets(self._references, org_id, route)
            await self._routes.add(route)
            await self._events.announce(RouteCreated.of(route), org_id=org_id, aggregate_id=route.id)
        return route

    async def change(
        self, principal: Principal, route_id: UUID, changes: RouteChanges, *, expected: Collection[int] | None
    ) -> Route:
        """Change a route, if it has one of the expected versions.

        Raises UnknownRoute, ChangedMeanwhile, and what `create` raises.
        """
        org_id = principal.org_id
        async with self._change(org_id):
            before = await self.find(principal, route_id)
            before.require_version(expected)
            if not changes.model_fields_set:
                return before
            values = changes.model_dump(include=changes.model_fields_set)
            if "targets" in values:
                values["targets"] = identified(changes.targets, before.targets, self._new_target_id)
            after = before.changed(self._clock.now(), **values)
            if after.name != before.name:
                await self._require_free(after)
            await require_targets(self._references, org_id, after)
            await self._routes.change(after)
            changed = RouteChanged(
                route_id=route_id,
                name=after.name,
                version=after.version,
                changed=sorted(changes.model_fields_set),
                changed_by=principal.actor_id,
            )
            await self._events.announce(changed, org_id=org_id, aggregate_id=route_id)
        return after

    async def remove(self, principal: Principal, route_id: UUID) -> None:
        """Remove a route. Raises UnknownRoute."""
        org_id = principal.org_id
        async with self._change(org_id):
            route = await self.find(principal, route_id)
            await self._routes.remove(route, at=self._clock.now())
            removed = RouteRemoved(route_id=route_id, name=route.name, removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=org_id, aggregate_id=route_id)

    async def _require_free(self, route: Route) -> None:
        if await self._references.taken(route.org_id, route.name):
            raise NameTaken
        routes = await self._references.routes_to_model(route.org_id, route.name)
        if routes:
            raise RouteTargeted(f"These routes have a target of this name: {listed(routes)}.")
