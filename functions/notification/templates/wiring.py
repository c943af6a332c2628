"""The use cases of templates with their adapters."""

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from notification import wiring as shared
from notification.direct.wiring import direct_messages
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


async def preview_service() -> PreviewService:
    """The use cases of previews and tests."""
    return PreviewService(
        templates=await template_service(),
        sent=templates(),
        sends=direct_messages(),
        app_url=shared.parts.settings().links_to,
        clock=SystemClock(),
    )
