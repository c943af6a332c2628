"""From the name of a model to where a call for it can go, and what that costs."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from integration.gateway.destinations import Connection, RegisteredModel, Route, RouteTarget
from integration.gateway.errors import ModelNotFound, ModelRetired, ModelUnpriced, RouteLeadsNowhere
from integration.gateway.metering import Unit
from integration.gateway.organization import Organization
from integration.gateway.pricing import OPENAI, PriceTable
from integration.gateway.rates import ModelPrices
from integration.provider_kinds import KINDS

_MOST_PLANS: Final = 1000
_PLAIN: Final = "-"
"""The target of a name that is no route."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call can go.

    Attributes:
        id: Names it among the organization's targets; its health is kept under this.
        connection: The organization's own; None for the deployment's provider.
        upstream_model: What the provider calls the model.
        provider: The kind of provider, as usage events name it.
        salt: Another one when the same name stands for something else.
        chosen_by: The route's own words about it; None for a name that is no route.
    """

    id: str
    connection: Connection | None
    upstream_model: str
    provider: str
    prices: ModelPrices
    salt: str = ""
    chosen_by: RouteTarget | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where calls for a name can go.

    Attributes:
        salt: Tells apart cached answers of the same name when what it stands for has changed.
        max_output_tokens: The largest output that any target can give.
        context_window: The most that any target can read.
        deprecated_at, retired_at: Of a registered model, ms since 1970.
    """

    name: str
    targets: tuple[Target, ...]
    route: Route | None = None
    salt: str = ""
    max_output_tokens: int = field(init=False)
    context_window: int = field(init=False)
    deprecated_at: int | None = None
    retired_at: int | None = None

    def __post_init__(self) -> None:
        prices = [target.prices for target in self.targets]
        object.__setattr__(self, "max_output_tokens", max(price.max_output_tokens for price in prices))
        object.__setattr__(self, "context_window", max(price.context_window for price in prices))


def embedder(plan: Callable[[str], Plan], name: str) -> Target | None:
    """What embeds texts under this name; None when nothing does.

    A route is nothing: vectors of two of its targets could not be compared.
    """
    try:
        planned = plan(name)
    except (ModelNotFound, ModelRetired):
        return None
    return planned.targets[0] if planned.route is None else None


class Planner:
    """Finds where a call can go.

    A name is looked for among the organization's routes, then among its models; `connection/model` is a model of one of
    its connections; whatever else is a model of the deployment's own provider.
    """

    def __init__(self, prices: PriceTable, *, now: Callable[[], datetime]) -> None:
        self._prices = prices
        self._now = now

    def plan(self, organization: Organization, units: frozenset[Unit], name: str) -> Plan:
        """Where calls for a name can go, to an endpoint that meters these units. Raises ModelNotFound, ModelRetired.

        Prices and dates change with a minute, so a plan is good until the next one.
        """
        which = (name, units, int(self._now().timestamp()) // 60)
        known: Plan | None = organization.plans.get(which)
        if known is None:
            known = self._plan(organization, units, name)
            if len(organization.plans) >= _MOST_PLANS:
                organization.plans.clear()
            organization.plans[which] = known
        return known

    def _plan(self, organization: Organization, units: frozenset[Unit], name: str) -> Plan:
        route = organization.routes.get(name)
        if route is not None:
            targets = tuple(self._of_route(organization, units, route))
            if not targets:
                raise RouteLeadsNowhere(name)
            return Plan(name, targets, route, salt=" ".join((route.version, *(target.salt for target in targets))))
        model = organization.models.get(name)
        target = self._target(organization, units, name)
        if model is None:
            return Plan(name, (target,), salt=target.salt)
        return Plan(name, (target,), salt=target.salt, deprecated_at=model.deprecated_at, retired_at=model.retired_at)

    def _of_route(self, organization: Organization, units: Collection[Unit], route: Route) -> Iterator[Target]:
        """The targets that there are; one whose model is gone, retired or for other endpoints is none."""
        for entry in route.targets:
            try:
                target = self._target(organization, units, entry.model)
            except (ModelNotFound, ModelRetired):
                continue
            yield replace(target, id=entry.id, chosen_by=entry)

    def _target(self, organization: Organization, units: Collection[Unit], name: str) -> Target:
        """The target that a name stands for; one whose price is by a unit that is not metered here is not found."""
        target = self._named(organization, name)
        if target.prices.unit not in units:
            raise ModelNotFound(name)
        return target

    def _named(self, organization: Organization, name: str) -> Target:
        model = organization.models.get(name)
        if model is not None:
            return self._registered(organization, model)
        prefix, slash, upstream_model = name.partition("/")
        connection = organization.connections.get(prefix) if slash else None
        if connection is None:
            return Target(_PLAIN, None, name, OPENAI, self._prices.find(name))
        prices = self._price(connection, upstream_model, name)
        return Target(
            str(connection.id), connection, upstream_model, connection.kind, prices, salt=_address(connection)
        )

    def _registered(self, organization: Organization, model: RegisteredModel) -> Target:
        now_ms = int(self._now().timestamp() * 1000)
        if model.retired_at is not None and model.retired_at <= now_ms:
            raise ModelRetired(model.name, replacement=model.replacement)
        connection = organization.connections.get(model.connection)
        if connection is None:
            raise ModelNotFound(model.name)
        own = [prices for start, prices in model.prices if start <= now_ms]
        prices = own[-1] if own else self._price(connection, model.upstream_model, model.name)
        limited = replace(
            prices,
            context_window=model.context_window or prices.context_window,
            max_output_tokens=model.max_output_tokens or prices.max_output_tokens,
        )
        return Target(
            str(connection.id),
            connection,
            model.upstream_model,
            connection.kind,
            limited,
            salt=f"{model.version} {_address(connection)}",
        )

    def _price(self, connection: Connection, upstream_model: str, name: str) -> ModelPrices:
        """What a connection's model costs by the table. Raises ModelUnpriced, with the name that the caller gave it."""
        sold_by = KINDS[connection.kind].prices
        if sold_by is None:
            raise ModelUnpriced(name)
        try:
            return self._prices.find(upstream_model, sold_by)
        except ModelNotFound as error:
            raise ModelUnpriced(name) from error


def _address(connection: Connection) -> str:
    """Who answers there: a connection that leads elsewhere is another one to the cache."""
    return f"{connection.id} {connection.base_url}"
