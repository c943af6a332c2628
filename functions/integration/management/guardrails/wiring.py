"""The use cases of guardrails with their adapters."""

import time

from integration.management import wiring as shared
from integration.management.guardrails.repository import PostgresGuardrails
from integration.management.guardrails.service import GUARDRAILS, GuardrailGuard, GuardrailService, TestingGuardrails


async def guardrail_service() -> GuardrailService:
    """The use cases of guardrails."""
    kept = PostgresGuardrails(shared.database())
    return shared.configuring(GUARDRAILS, kept, GuardrailGuard(kept))


async def testing() -> TestingGuardrails:
    """The use case of a test."""
    return TestingGuardrails(PostgresGuardrails(shared.database()), timer=time.monotonic)
