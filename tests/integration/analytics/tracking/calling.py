"""Calls to what is tracked, over a real database."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pymongo.asynchronous.database import AsyncDatabase

from analytics.behaviour import routes as behaviour_routes
from analytics.behaviour import wiring as behaviour_wiring
from analytics.behaviour.repository import MongoBehaviour
from analytics.behaviour.service import BehaviourService
from analytics.data_retention import routes as data_retention_routes
from analytics.data_retention import wiring as data_retention_wiring
from analytics.data_retention.applying import Applying
from analytics.data_retention.repository import MongoExpiringEvents, MongoRetentions
from analytics.data_retention.service import RetentionService
from analytics.erasures.repository import MongoErasures
from analytics.event_schemas import routes as event_schema_routes
from analytics.event_schemas import wiring as event_schema_wiring
from analytics.event_schemas.compiled import check
from analytics.event_schemas.repository import MongoEventSchemas
from analytics.event_schemas.service import EventSchemaService
from analytics.privacy import routes as privacy_routes
from analytics.privacy import wiring as privacy_wiring
from analytics.privacy.files import MadeFiles
from analytics.privacy.repository import CallsForPeople, EventsOfPeople
from analytics.privacy.service import ErasureService
from analytics.rollups.forgetting import Forgetting
from analytics.rollups.repository import MongoRollups
from analytics.tracking import routes as tracking_routes
from analytics.tracking import wiring as tracking_wiring
from analytics.tracking.repository import MongoTrackedEvents
from analytics.tracking.service import TrackingService
from llmo_auth.principal import ActorType, Principal
from llmo_core.http.app import create_app
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.clocks import MovableClock
from tests.integration.api_caller import ApiCaller

NOW = datetime(2090, 8, 15, 12, 0, 30, tzinfo=UTC)  # MongoDB deletes what ends before the real present
WRITER = frozenset({"events:write"})
READER = frozenset({"usage:read"})
ADMIN = WRITER | READER | {"analytics:write"}

app = create_app(
    title="Tracked",
    prefix="/api/v1/analytics",
    routers=[
        tracking_routes.router,
        tracking_routes.batches,
        behaviour_routes.router,
        event_schema_routes.router,
        data_retention_routes.router,
        privacy_routes.router,
    ],
    description="Of the tests.",
)


@dataclass
class Marks:
    """Remembers which minutes were marked; keeps no sums."""

    marked: list[tuple[UUID, frozenset[datetime]]] = field(default_factory=list)

    async def mark(self, org_id: UUID, minutes: Collection[datetime]) -> None:
        self.marked.append((org_id, frozenset(minutes)))


@dataclass
class DeletedObjects:
    """Remembers which objects were deleted; holds none."""

    deleted: list[str] = field(default_factory=list)

    async def delete(self, key: str) -> None:
        self.deleted.append(key)


@dataclass
class Counted:
    """Counts what keys of web pages send, and bounds nothing."""

    taken: list[tuple[UUID, int]] = field(default_factory=list)

    async def take(self, key_id: UUID, events: int) -> None:
        self.taken.append((key_id, events))


class Tracked:
    """The routes over a database, and the parts that tests look into."""

    def __init__(self, database: AsyncDatabase[Document], *, most_events: int = 1_000_000) -> None:
        self.database = database
        self.clock = MovableClock(NOW)
        self.marks = Marks()
        self.call_marks = Marks()
        self.rates = Counted()
        self.org_id = new_id()
        schemas = MongoEventSchemas(database)
        retentions = MongoRetentions(database, default_days=90)
        self.applying = Applying(retentions=retentions, events=MongoExpiringEvents(database), clock=self.clock)
        self.retention = retention = RetentionService(retentions=retentions, applying=self.applying)
        self.erasures = MongoErasures(database)
        self.rollups = MongoRollups(database, clock=self.clock, minutes_kept=timedelta(days=36500))
        self.objects = DeletedObjects()
        self.service = TrackingService(
            events=MongoTrackedEvents(database),
            schemas=schemas,
            keeping=retention,
            erasures=self.erasures,
            rates=self.rates,
            clock=self.clock,
        )
        self._overrides: dict[Callable[..., Any], object] = {
            tracking_wiring.tracking_service: self.service,
            event_schema_wiring.event_schema_service: EventSchemaService(
                schemas=schemas, compile_schema=check, clock=self.clock
            ),
            data_retention_wiring.retention_service: retention,
            behaviour_wiring.behaviour_service: BehaviourService(
                events=MongoBehaviour(database, most_events=most_events)
            ),
            behaviour_wiring.clock: self.clock,
            privacy_wiring.erasure_service: ErasureService(
                events=EventsOfPeople(database),
                calls=CallsForPeople(database),
                sums_of_events=[self.marks],
                sums_of_calls=[self.call_marks],
                memory=self.erasures,
                names=Forgetting(self.rollups),
                files=MadeFiles(database, self.objects),
                clock=self.clock,
            ),
        }

    def caller(
        self,
        permissions: frozenset[str] = ADMIN,
        org_id: UUID | None = None,
        actor_type: ActorType = ActorType.API_KEY,
    ) -> ApiCaller:
        """Somebody with these permissions, in this test's organization unless another is given."""
        for provider, part in self._overrides.items():
            app.dependency_overrides[provider] = _giving(part)
        principal = Principal(
            org_id=org_id or self.org_id,
            project_id=None,
            actor_type=actor_type,
            actor_id=new_id(),
            permissions=permissions,
        )
        return ApiCaller(app, principal, below="/api/v1/analytics")

    async def track(self, *events: dict[str, Any], org_id: UUID | None = None) -> None:
        """Events that are all accepted, or are there already."""
        answer = await self.caller(org_id=org_id)("POST", "/events/batch", json={"events": [*events]})
        assert answer.json()["invalid"] == 0, answer.text

    async def kept(self, **wanted: object) -> list[Document]:
        """The documents of this test's organization."""
        found = self.database["tracked_events"].find({"org_id": self.org_id, **wanted}).sort("event_id")
        return await found.to_list()


def _giving(part: object) -> Callable[[], object]:
    return lambda: part


def event(number: int = 1, **said: Any) -> dict[str, Any]:
    """An event of a minute ago; `said` replaces what it says."""
    happened = NOW - timedelta(minutes=1)
    return {"id": f"e{number:04}", "name": "page.viewed", "timestamp": happened.isoformat(), "user_id": "u-1", **said}
