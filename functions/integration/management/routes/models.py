"""Routes and their targets, and what can go wrong with them."""

from collections.abc import Sequence
from uuid import UUID

from integration.choices import Sticky, Strategy
from integration.management.models import Configured
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

MOST_TARGETS = 20


class Conditions(Model):
    """What must be true of a call for a target to be chosen; None is whatever it may be.

    Attributes:
        tools: Whether the call has tools.
        vision: Whether it has images.
        stream: Whether its answer is streamed.
        region: Where the call says that it must be computed.
    """

    min_input_tokens: int | None = None
    max_input_tokens: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    stream: bool | None = None
    region: str | None = None


class Target(Model):
    """A model that a route may choose.

    Attributes:
        id: Eight characters that stay the target's while the route changes.
        model: The name of a model of the registry; `<provider>/<model>`; or the name of a model of the deployment's own
            provider.
        variant: Names it in experiments.
    """

    id: str
    model: str
    weight: int = 1
    variant: str | None = None
    conditions: Conditions = Conditions()


class NewTarget(Model):
    """The same as it is asked for; `id` is that of a target which the route has already."""

    id: str | None = None
    model: str
    weight: int = 1
    variant: str | None = None
    conditions: Conditions = Conditions()


class Route(Configured):
    """A name that stands for several models.

    Attributes:
        attempts: The most, over all targets.
        deadline_ms: Until the answer begins, over all attempts.
        first_byte_ms: Of one attempt, for streams only: a plain answer begins when it is complete.
        between_chunks_ms: The longest wait within an answer.
    """

    strategy: Strategy
    targets: Sequence[Target]
    sticky: Sticky
    attempts: int
    deadline_ms: int
    first_byte_ms: int
    between_chunks_ms: int


class NewRoute(Model):
    """What a route is made of."""

    name: str
    strategy: Strategy
    targets: Sequence[NewTarget]
    sticky: Sticky
    attempts: int
    deadline_ms: int
    first_byte_ms: int
    between_chunks_ms: int


class RouteChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    strategy: Strategy = Strategy.PRIORITY
    targets: Sequence[NewTarget] = ()
    sticky: Sticky = Sticky.NONE
    attempts: int = 0
    deadline_ms: int = 0
    first_byte_ms: int = 0
    between_chunks_ms: int = 0


class RouteCreated(Event, name="llmo.integration.route.created"):
    """A new name that stands for several models."""

    route_id: UUID
    name: str
    strategy: Strategy
    targets: Sequence[Target]
    created_by: UUID

    @classmethod
    def of(cls, route: Route) -> "RouteCreated":
        """Tell of a route."""
        return cls(route_id=route.id, **route.model_dump(include=cls.model_fields.keys() - {"route_id"}))


class RouteChanged(Event, name="llmo.integration.route.changed"):
    """A route is another one; which fields are."""

    route_id: UUID
    name: str
    version: int
    changed: Sequence[str]
    changed_by: UUID

    @classmethod
    def of(cls, route: Route, changed: Sequence[str], by: UUID) -> "RouteChanged":
        """Tell of a route's new version."""
        return cls(route_id=route.id, name=route.name, version=route.version, changed=changed, changed_by=by)


class RouteRemoved(Event, name="llmo.integration.route.removed"):
    """A name that stands for nothing any more."""

    route_id: UUID
    name: str
    removed_by: UUID

    @classmethod
    def of(cls, route: Route, by: UUID) -> "RouteRemoved":
        """Tell of a route that is gone."""
        return cls(route_id=route.id, name=route.name, removed_by=by)


class UnknownRoute(NotFound):
    """The organization has no route with this id."""


class UnknownTarget(Invalid):
    """A target is neither a model of the registry nor one of a provider."""


class UnknownTargetId(Invalid):
    """A target's `id` is one that the route has already, and each one's own; leave it out for a new target."""


class RouteTargetsRoute(Invalid):
    """A route has models as targets, and no routes."""


class RouteTargeted(Conflict):
    """Routes have a target of this name: it would be a route then."""
