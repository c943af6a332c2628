"""Calls to the API of templates over a real database."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from llmo_auth.idempotent_route import RepeatedRequests
from llmo_auth.principal import ActorType, Principal
from llmo_core.clock import SystemClock
from llmo_core.http.app import create_app
from llmo_core.ids import new_id
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from notification import wiring as shared
from notification.contents import Content
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Channel
from notification.templates import routes, wiring
from notification.templates.models import NoOwnAddress, Rendered, RenderFacts
from notification.templates.previewing import PreviewService
from notification.templates.repository import PostgresTemplates, PostgresTemplateStore, PostgresVersions
from notification.templates.resolving import Templates
from notification.templates.service import TemplateService
from tests.integration.api_caller import ApiCaller, key_of
from tests.integration.auth.announcements import BusDown
from tests.integration.organizations import PEPPER, Org
from tests.integration.statements import run

type Json = dict[str, Any]

APP_URL = "https://app.example"
READER = frozenset({"notifications:read"})
WRITER = READER | {"notifications:write"}
KIND = "credit_low"
MAIL: Json = {"subject": "Low", "body": "<p>{{ balance|money(currency) }} left</p>"}

app = create_app(
    title="Templates", prefix="/api/v1/templates", routers=[routes.router, routes.previewing], description="Of tests."
)


class Caller(ApiCaller):
    """Calls the API as an organization's key."""

    def __init__(self, org: Org, *, permissions: frozenset[str] = WRITER, principal: Principal | None = None) -> None:
        super().__init__(app, principal or key_of(org, permissions), below="/api/v1")
        self.org = org

    async def template(self, **body: Any) -> Json:
        """Make a template, of a mail about low credit unless it says otherwise."""
        return await self.made("templates", **{"kind": KIND, "channel": "email", "locale": "en", "parts": MAIL} | body)

    async def published(self, **body: Any) -> Json:
        """Make one and publish it."""
        made = await self.template(**body)
        return await self.publish(made["id"])

    async def publish(self, template_id: str, **body: Any) -> Json:
        """Publish the draft."""
        return await self.done("POST", f"templates/{template_id}/publish", json=body)

    async def done(self, method: str, path: str, **options: Any) -> Json:
        """Do something that succeeds."""
        answer = await self(method, path, **options)
        assert answer.status_code in {200, 202}, answer.text
        found: Json = answer.json()
        return found


def person_of(org: Org) -> Caller:
    """The organization's owner, who has signed in."""
    principal = Principal(
        org_id=org.org_id,
        project_id=None,
        actor_type=ActorType.USER,
        actor_id=org.user_id,
        permissions=WRITER,
        session_id=new_id(),
    )
    return Caller(org, principal=principal)


class Sends:
    """Keeps what tests were sent, to whoever has the address.

    Attributes:
        sent: Who asked, on which channel, and what it said.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[UUID, Channel, Content]] = []

    async def send(self, principal: Principal, channel: Channel, content: Content, /) -> UUID:
        """Keep it; nobody has a phone."""
        if channel is Channel.SMS:
            raise NoOwnAddress
        self.sent.append((principal.actor_id, channel, content))
        return new_id()


class Templating:
    """The use cases behind the API."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sends = Sends()
        self.clock = SystemClock()
        self.store = PostgresTemplateStore(database)

    def sending(self) -> Templates:
        """What a process renders with that has not looked yet."""
        return Templates(store=self.store, app_url=APP_URL, clock=self.clock)

    async def rendered(self, org: Org, **others: Any) -> Rendered:
        """What is sent."""
        kind = others.get("kind", KIND)
        variables = KINDS[kind].variables if kind in KINDS else {}
        given = {"org_id": org.org_id, "kind": KIND, "channel": Channel.EMAIL, "variables": variables}
        return await self.sending().render(RenderFacts(**given | others))

    async def templates(self) -> TemplateService:
        """Stands in for the wiring's."""
        return TemplateService(
            templates=PostgresTemplates(self.database),
            versions=PostgresVersions(self.database),
            store=self.store,
            events=Outbox(database=self.database, schema="notification", bus=BusDown, clock=self.clock, new_id=new_id),
            transaction=self.database.transaction,
            app_url=APP_URL,
            clock=self.clock,
            new_id=new_id,
        )

    async def previews(self) -> PreviewService:
        """Stands in for the wiring's."""
        return PreviewService(
            templates=await self.templates(),
            sent=self.sending(),
            sends=self.sends,
            app_url=APP_URL,
            clock=self.clock,
        )

    async def repeated_requests(self) -> RepeatedRequests:
        """Stands in for the wiring's."""
        records = IdempotencyRecords("notification")
        return RepeatedRequests(database=self.database, records=records, secret=PEPPER.encode(), clock=self.clock)

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.template_service: self.templates,
            wiring.preview_service: self.previews,
            shared.repeated_requests: self.repeated_requests,
        }

    async def announced(self, org_id: UUID) -> Sequence[Envelope]:
        """What an organization's transactions announced, in order."""
        async with self.database.transaction(org_id) as connection:
            rows = await run(connection, "SELECT envelope FROM {} ORDER BY position", "notification", "outbox")
        return [Envelope.model_validate_json(row["envelope"]) for row in rows]
