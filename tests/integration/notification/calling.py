"""Calls to the notification API over a real database."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from llmo_auth.idempotent_route import RepeatedRequests
from llmo_auth.principal import ActorType, Principal
from llmo_core.clock import Clock, SystemClock
from llmo_core.ids import new_id
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from notification import wiring as shared
from notification.api import app
from notification.inbox.repository import PostgresInbox
from notification.planning.people import PostgresPeople
from notification.requests import wiring
from notification.requests.log import DeliveryLog
from notification.requests.repository import PostgresRequested, PostgresSentMessages
from notification.requests.service import RequestService
from notification.topics.repository import PostgresTopics
from tests.integration.api_caller import ApiCaller, key_of
from tests.integration.auth.announcements import BusDown
from tests.integration.organizations import PEPPER, Org

type Json = dict[str, Any]

READER = frozenset({"notifications:read"})
WRITER = READER | {"notifications:write"}


class Caller(ApiCaller):
    """Calls the notification API as an organization's key."""

    def __init__(self, org: Org, *, permissions: frozenset[str] = WRITER) -> None:
        super().__init__(app, key_of(org, permissions), below="/api/v1")
        self.org = org

    async def sent(self, **body: Any) -> Json:
        """Send a notification to the organization's owner, unless it says otherwise."""
        whole = {
            "to": {"user_ids": [str(self.org.user_id)]},
            "variables": {"title": "Hello", "text": "There."},
        } | body
        answer = await self("POST", "notifications", json=whole)
        assert answer.status_code == 202, answer.text
        taken: Json = answer.json()
        return taken


def somebody(org: Org, user_id: UUID, *, permissions: frozenset[str] = frozenset()) -> ApiCaller:
    """A member of an organization who has signed in."""
    principal = Principal(
        org_id=org.org_id,
        project_id=None,
        actor_type=ActorType.USER,
        actor_id=user_id,
        permissions=permissions,
        session_id=new_id(),
    )
    return ApiCaller(app, principal, below="/api/v1")


class Service:
    """The use cases behind the API.

    Attributes:
        operator_id: Who operates the deployment.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.operator_id: UUID | None = None
        self.clock: Clock = SystemClock()
        self.events = Outbox(database=database, schema="notification", bus=BusDown, clock=SystemClock(), new_id=new_id)

    async def requests(self) -> RequestService:
        return RequestService(
            requested=PostgresRequested(self.database),
            members=PostgresPeople(self.database, PostgresTopics(self.database)),
            events=self.events,
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
            operator_id=self.operator_id,
            sms_countries=["US", "DE"],
        )

    async def log(self) -> DeliveryLog:
        return DeliveryLog(
            messages=PostgresSentMessages(self.database),
            inboxes=PostgresInbox(self.database),
            events=self.events,
            transaction=self.database.transaction,
            clock=self.clock,
        )

    async def repeated_requests(self) -> RepeatedRequests:
        records = IdempotencyRecords("notification")
        return RepeatedRequests(database=self.database, records=records, secret=PEPPER.encode(), clock=SystemClock())

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.request_service: self.requests,
            wiring.delivery_log: self.log,
            shared.repeated_requests: self.repeated_requests,
        }
