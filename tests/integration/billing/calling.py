"""Calls to the billing API over a real database."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from billing import wiring as shared
from billing.api import app
from billing.catalogue import wiring
from billing.catalogue.meters import MeterService
from billing.catalogue.plans import PlanService
from billing.catalogue.previews import PreviewService
from billing.catalogue.repository import PostgresMeters, PostgresPlans
from billing.models import Operator
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.clock import Clock, SystemClock
from llmo_core.ids import new_id
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.integration.api_caller import ApiCaller, key_of
from tests.integration.auth.announcements import BusDown
from tests.integration.organizations import PEPPER, Org
from tests.integration.statements import run

type Json = dict[str, Any]

READER = frozenset({"billing:read"})
WRITER = READER | {"billing:write"}
FEE: Json = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
CALLS: Json = {"code": "calls", "name": "Calls", "aggregation": "count"}
COST: Json = {"code": "cost", "name": "Cost", "aggregation": "sum", "fields": ["cost_usd"]}


def version(*charges: Json, **others: Any) -> Json:
    """A version in dollars for each month; of a fee unless it says otherwise."""
    return {"currency": "USD", "cadence": {"interval": "month"}, "charges": list(charges or [FEE]), **others}


def usage(price: Json, meter: str = "calls", **others: Any) -> Json:
    """A charge for usage."""
    return {"code": "usage", "name": "Usage", "basis": "usage", "meter": meter, "price": price, **others}


class Caller(ApiCaller):
    """Calls the billing API as an organization's key."""

    def __init__(self, org: Org, *, permissions: frozenset[str] = WRITER) -> None:
        super().__init__(app, key_of(org, permissions), below="/api/v1/billing")
        self.org = org

    async def meter(self, **body: Any) -> Json:
        """Make a meter, of calls unless it says otherwise."""
        return await self.made("meters", **{**CALLS, **body})

    async def plan(self, code: str = "team", *charges: Json, **body: Any) -> Json:
        """Make a plan, of a fee unless it says otherwise."""
        return await self.made("plans", **{"code": code, "name": "Team", "version": version(*charges), **body})

    async def listed(self, path: str) -> list[Json]:
        """All that a list has, page by page of two."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            parameters = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            answer = await self("GET", path, params=parameters)
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return found


class Catalogue:
    """The use cases of the catalogue that an organization operates, or nobody.

    Attributes:
        clock: The day of previews.
    """

    def __init__(self, database: Database, operator_id: UUID | None) -> None:
        self.database = database
        self.operator_id = operator_id
        self.clock: Clock = SystemClock()
        outbox = Outbox(database=database, schema="billing", bus=BusDown, clock=SystemClock(), new_id=new_id)
        self._shared: dict[str, Any] = {
            "meters": PostgresMeters(database),
            "events": outbox,
            "transaction": database.transaction,
            "clock": SystemClock(),
            "new_id": new_id,
        }

    async def meters(self) -> MeterService:
        return MeterService(operator=Operator(self.operator_id), **self._shared)

    async def plans(self) -> PlanService:
        plans = PostgresPlans(self.database)
        return PlanService(plans=plans, operator=Operator(self.operator_id), **self._shared)

    async def previews(self) -> PreviewService:
        return PreviewService(plans=await self.plans(), clock=self.clock)

    async def repeated_requests(self) -> RepeatedRequests:
        records = IdempotencyRecords("billing")
        return RepeatedRequests(database=self.database, records=records, secret=PEPPER.encode(), clock=SystemClock())

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.meter_service: self.meters,
            wiring.plan_service: self.plans,
            wiring.preview_service: self.previews,
            shared.repeated_requests: self.repeated_requests,
        }

    async def announced(self, org_id: UUID) -> Sequence[Envelope]:
        """What an organization's transactions announced, in order."""
        async with self.database.transaction(org_id) as connection:
            rows = await run(connection, "SELECT envelope FROM {} ORDER BY position", "billing", "outbox")
        return [Envelope.model_validate_json(row["envelope"]) for row in rows]
