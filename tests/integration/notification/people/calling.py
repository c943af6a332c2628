"""Calls to what people have of their own in notification, over a real database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, override
from uuid import UUID

from starlette.types import Receive, Scope, Send

from llmo_auth.idempotent_route import RepeatedRequests
from llmo_auth.principal import Person
from llmo_core.clock import SystemClock
from llmo_core.http.app import create_app
from llmo_core.ids import new_id
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.postgres import Database
from notification import wiring as shared
from notification.address_hashes import address_hash
from notification.contacts import routes as contact_routes
from notification.contacts import wiring as contact_wiring
from notification.contacts.codes import CodeHashes
from notification.contacts.repository import PostgresContacts, PostgresDevices, PostgresPhones
from notification.contacts.service import DeviceService, PhoneService
from notification.inbox import routes as inbox_routes
from notification.inbox import wiring as inbox_wiring
from notification.inbox.repository import PostgresInbox
from notification.inbox.service import InboxService
from notification.preferences import routes as preference_routes
from notification.preferences import wiring as preference_wiring
from notification.preferences.repository import PostgresPreferences
from notification.preferences.service import PreferenceService
from notification.topics import routes as topic_routes
from notification.topics import wiring as topic_wiring
from notification.topics.repository import PostgresTopics
from notification.topics.service import TopicService
from notification.unsubscribing import routes as unsubscribe_routes
from notification.unsubscribing import wiring as unsubscribe_wiring
from notification.unsubscribing.service import UnsubscribeService
from notification.unsubscribing.tokens import UnsubscribeLinks
from tests.integration.api_caller import ApiCaller, key_of
from tests.integration.organizations import PEPPER, Org

type Json = dict[str, Any]
type Overrides = dict[Callable[..., Any], Callable[..., Any]]

READER = frozenset({"notifications:read"})
WRITER = READER | {"notifications:write"}

app = create_app(
    title="Own",
    prefix="/api/v1",
    routers=[
        preference_routes.router,
        unsubscribe_routes.router,
        inbox_routes.router,
        topic_routes.router,
        contact_routes.phone_router,
        contact_routes.device_router,
    ],
    description="Of the tests.",
)


class SetClock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.moment = SystemClock().now()

    def now(self) -> datetime:
        return self.moment

    def forward(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


class Own:
    """The use cases of what is people's own, over a real database and a clock that stands still."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = SetClock()
        self.preferences = PostgresPreferences(database)
        self.topics = PostgresTopics(database)
        self.contacts = PostgresContacts(database)
        self.codes: list[tuple[str, str]] = []
        self.push_key = "BCVxsr7N"
        self.inbox = PostgresInbox(database)
        self.links = UnsubscribeLinks(public_url="https://llmo.example", pepper=PEPPER.encode(), clock=self.clock)

    async def preference_service(self) -> PreferenceService:
        return PreferenceService(preferences=self.preferences, transaction=self.database.transaction, clock=self.clock)

    async def unsubscribe_service(self) -> UnsubscribeService:
        people = await self.preference_service()
        return UnsubscribeService(links=self.links, people=people, addresses=self.preferences, clock=self.clock)

    async def inbox_service(self) -> InboxService:
        return InboxService(inbox=self.inbox, clock=self.clock)

    async def topic_service(self) -> TopicService:
        transaction = self.database.transaction
        return TopicService(topics=self.topics, transaction=transaction, clock=self.clock, new_id=new_id)

    async def send_code(self, *, user_id: UUID, number: str, code: str, expires_at: datetime) -> None:
        """As the planner of messages does, which puts it into the transaction under way."""
        assert expires_at > self.clock.now()
        assert user_id.version == 7
        self.codes.append((number, code))

    async def phone_service(self) -> PhoneService:
        pepper = PEPPER.encode()
        return PhoneService(
            phones=PostgresPhones(self.database),
            sender=self,
            hashes=CodeHashes(pepper),
            countries=["DE", "US"],
            number_hash=lambda number: address_hash(number, pepper),
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
            new_code=lambda: str(271_828 + len(self.codes)),
        )

    async def device_service(self) -> DeviceService:
        return DeviceService(devices=PostgresDevices(self.database), private=False, clock=self.clock, new_id=new_id)

    async def key_of_push(self) -> str:
        return self.push_key

    async def repeated_requests(self) -> RepeatedRequests:
        records = IdempotencyRecords("notification")
        return RepeatedRequests(database=self.database, records=records, secret=PEPPER.encode(), clock=self.clock)

    def overrides(self) -> Overrides:
        """What stands in for the wiring."""
        return {
            preference_wiring.preference_service: self.preference_service,
            unsubscribe_wiring.unsubscribe_service: self.unsubscribe_service,
            inbox_wiring.inbox_service: self.inbox_service,
            topic_wiring.topic_service: self.topic_service,
            contact_wiring.phone_service: self.phone_service,
            contact_wiring.device_service: self.device_service,
            contact_wiring.push_key: self.key_of_push,
            shared.repeated_requests: self.repeated_requests,
        }


class Somebody(ApiCaller):
    """Calls as a person who has signed in, in an organization or in none."""

    def __init__(self, org: Org | None = None, *, user_id: UUID | None = None) -> None:
        known = user_id or (org.user_id if org is not None else new_id())
        self.person = Person(user_id=known, session_id=new_id(), org_id=org.org_id if org is not None else None)
        self.user_id = known
        self._app, self._below = app, "/api/v1"

    @override
    async def _authorized(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = {"requestContext": {"authorizer": self.person.to_context()}}
        await self._app({**scope, "aws.event": event}, receive, send)


def program(org: Org, permissions: frozenset[str] = WRITER) -> ApiCaller:
    """Calls as an organization's key."""
    return ApiCaller(app, key_of(org, permissions), below="/api/v1")
