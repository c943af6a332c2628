"""The targets of a route."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from integration.management.models import listed
from integration.management.ports import References
from integration.management.routes.models import (
    NewTarget,
    Route,
    RouteTargetsRoute,
    Target,
    UnknownTarget,
    UnknownTargetId,
)


def identified(
    wanted: Sequence[NewTarget], known: Collection[Target], new_target_id: Callable[[], str]
) -> tuple[Target, ...]:
    """The targets with ids: those of the known ones that are named, and new ones. Raises UnknownTargetId."""
    named = [target.id for target in wanted if target.id is not None]
    if len(set(named)) < len(named) or not {*named} <= {target.id for target in known}:
        raise UnknownTargetId
    used = {*named, *(target.id for target in known)}
    made = []
    for target in wanted:
        target_id = target.id or _unused(used, new_target_id)
        used.add(target_id)
        made.append(Target(**{**target.model_dump(), "id": target_id}))
    return tuple(made)


async def require_targets(references: References, org_id: UUID, route: Route) -> None:
    """Raise RouteTargetsRoute or UnknownTarget for what a route cannot choose."""
    names = {target.model for target in route.targets}
    routes = await references.routes_named(org_id, names) | ({route.name} & names)
    if routes:
        raise RouteTargetsRoute(f"These targets are routes: {listed(sorted(routes))}.")
    registered = await references.models_named(org_id, names)
    providers = {name: name.partition("/")[0] for name in names - registered if "/" in name}
    known = await references.providers_named(org_id, {*providers.values()})
    unknown = sorted(name for name, provider in providers.items() if provider not in known)
    if unknown:
        raise UnknownTarget(f"Neither a model nor a provider is named in these targets: {listed(unknown)}.")


def _unused(used: Collection[str], new_target_id: Callable[[], str]) -> str:
    while (target_id := new_target_id()) in used:
        pass
    return target_id
