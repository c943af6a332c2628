"""What one can do with routes."""

from collections.abc import Callable, Mapping
from typing import Any, override

from integration.management.configuring import Configuring, Guard, Kind, as_given
from integration.management.models import NameTaken, listed
from integration.management.ports import References
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
from llmo_core.model import Model

type RouteService = Configuring[Route]
"""Sets up, shows, changes and removes routes; `create` and `change` raise NameTaken, RouteTargeted, UnknownTarget,
UnknownTargetId and RouteTargetsRoute."""


def routes(new_target_id: Callable[[], str]) -> Kind[Route]:
    """What is particular about routes: targets have ids, of which one that a route has already is made anew."""

    def values(before: Route | None, given: Model) -> Mapping[str, Any]:
        fields = as_given(before, given)
        if not isinstance(given, NewRoute | RouteChanges) or "targets" not in fields:
            return fields
        return {**fields, "targets": identified(given.targets, before.targets if before else (), new_target_id)}

    return Kind(
        model=Route,
        unknown=UnknownRoute,
        created=RouteCreated.of,
        changed=RouteChanged.of,
        removed=RouteRemoved.of,
        check=lambda _: None,
        values=values,
    )


class RouteGuard(Guard[Route]):
    """A route has a name of its own, and targets that there are."""

    def __init__(self, references: References) -> None:
        self._references = references

    @override
    async def adding(self, thing: Route) -> None:
        await self._require_free(thing)
        await require_targets(self._references, thing.org_id, thing)

    @override
    async def changing(self, before: Route, after: Route) -> None:
        if after.name != before.name:
            await self._require_free(after)
        await require_targets(self._references, after.org_id, after)

    async def _require_free(self, route: Route) -> None:
        if await self._references.taken(route.org_id, route.name):
            raise NameTaken
        routes = await self._references.routes_to_model(route.org_id, route.name)
        if routes:
            raise RouteTargeted(f"These routes have a target of this name: {listed(routes)}.")
