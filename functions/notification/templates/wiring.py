"""The use cases of templates with their adapters."""

from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.clock import SystemClock
from llmo_core.errors import Unavailable
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from notification import wiring as shared
from notification.contents import Content
from notification.kinds.models import Channel
from notification.templates.ports import TestSends
from notification.templates.previewing import PreviewService
from notification.templates.repository import PostgresTemplates, PostgresTemplateStore, PostgresVersions
from notification.templates.resolving import Templates
from notification.templates.service import TemplateService


def templates_of(database: Database, *, app_url: str) -> Templates:
    """What renders messages, of what organizations have in a database; make one in each process, and keep it."""
    return Templates(store=PostgresTemplateStore(database), app_url=app_url, clock=SystemClock())


@shared.once
def templates() -> Templates:
    """What renders messages in this process."""
    return templates_of(shared.database(), app_url=shared.parts.settings().links_to)


async def template_service() -> TemplateService:
    """The use cases of templates."""
    return TemplateService(
        templates=PostgresTemplates(shared.database()),
        versions=PostgresVersions(shared.database()),
        store=PostgresTemplateStore(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        app_url=shared.parts.settings().links_to,
        clock=SystemClock(),
        new_id=new_id,
    )


class TestsNotSent(Unavailable):
    """Nothing sends tests here."""


class _Nowhere:
    """Stands where nothing sends tests."""

    async def send(self, _principal: Principal, _channel: Channel, _content: Content, /) -> UUID:
        """Raise TestsNotSent."""
        raise TestsNotSent


def test_sends() -> TestSends:
    """What sends tests."""
    return _Nowhere()


async def preview_service() -> PreviewService:
    """The use cases of previews and tests."""
    return PreviewService(
        templates=await template_service(),
        sent=templates(),
        sends=test_sends(),
        app_url=shared.parts.settings().links_to,
        clock=SystemClock(),
    )
