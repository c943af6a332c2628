"""The use cases of prompts with their adapters."""

from integration.management import wiring as shared
from integration.management.prompts.repository import PostgresPrompts, PostgresVersions
from integration.management.prompts.service import PROMPTS, PromptGuard, PromptService, VersionService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def prompt_service() -> PromptService:
    """The use cases of prompts."""
    prompts = PostgresPrompts(shared.database())
    return shared.configuring(PROMPTS, prompts, PromptGuard(prompts))


async def version_service() -> VersionService:
    """The use cases of their versions."""
    return VersionService(
        prompts=PostgresPrompts(shared.database()),
        versions=PostgresVersions(shared.database()),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
    )
