"""Calls to the management API of the integration service, on the real stores and moto's KMS."""

import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis

from integration.aws_calls import AwsCalls
from integration.configuration_changes import Changes
from integration.content_log.objects import S3CallContents
from integration.management import wiring as shared
from integration.management.api import app
from integration.management.budgets import wiring as budgets_wiring
from integration.management.budgets.counters import RedisCounters
from integration.management.budgets.repository import PostgresBudgets, PostgresPlaces
from integration.management.budgets.service import BUDGETS, BudgetService
from integration.management.cache import wiring as cache_wiring
from integration.management.cache.repository import PostgresPurges
from integration.management.cache.service import CacheService
from integration.management.configuring import Configuring
from integration.management.guardrails import wiring as guardrails_wiring
from integration.management.guardrails.models import Guardrail
from integration.management.guardrails.repository import PostgresGuardrails
from integration.management.guardrails.service import GUARDRAILS, GuardrailGuard, TestingGuardrails
from integration.management.limits import wiring as limits_wiring
from integration.management.limits.models import Limit
from integration.management.limits.repository import PostgresLimits
from integration.management.limits.service import LIMITS
from integration.management.logs import wiring as logs_wiring
from integration.management.logs.contents import KeptContents
from integration.management.logs.repository import PostgresLoggedCalls, PostgresLoggings
from integration.management.logs.service import LoggingService, LogService
from integration.management.organization_settings import wiring as settings_wiring
from integration.management.organization_settings.repository import PostgresSettings
from integration.management.organization_settings.service import SettingsService
from integration.management.policies import wiring as policies_wiring
from integration.management.policies.repository import PostgresPolicies
from integration.management.policies.service import PolicyService
from integration.management.prompts import wiring as prompts_wiring
from integration.management.prompts.repository import PostgresPrompts, PostgresVersions
from integration.management.prompts.service import PROMPTS, PromptGuard, PromptService, VersionService
from integration.management.providers import wiring as providers_wiring
from integration.management.providers.connection import ModelLists
from integration.management.providers.credentials import CredentialSafe
from integration.management.providers.ports import Tests
from integration.management.providers.repository import PostgresProviders
from integration.management.providers.service import ProviderService
from integration.management.references import PostgresReferences
from integration.management.registry import wiring as registry_wiring
from integration.management.registry.repository import PostgresEditions, PostgresModels, PostgresPrices
from integration.management.registry.service import MODELS, ModelGuard, PriceService, RegistryService
from integration.management.routes import wiring as routes_wiring
from integration.management.routes.repository import PostgresRoutes
from integration.management.routes.service import RouteGuard, RouteService, routes
from integration.management.webhooks import wiring as webhooks_wiring
from integration.management.webhooks.delivering import DeliveryService
from integration.management.webhooks.repository import PostgresDeliveries, PostgresWebhooks
from integration.management.webhooks.secrets import SecretSafe
from integration.management.webhooks.service import WebhookService
from integration.provider_addresses import AddressPolicy
from integration.provider_credentials import ProviderCredentials
from integration.webhook_messages.calls import WebhookCalls
from integration.webhook_messages.secrets import SigningSecrets
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_auth.principal import ActorType
from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import Clock, SystemClock
from llmo_core.envelope_encryption import EnvelopeEncryption
from llmo_core.ids import new_id, new_id_text
from llmo_core.kms import Kms
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.objects import Objects
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.integration.api_caller import ApiCaller, key_of
from tests.integration.auth.announcements import BusDown
from tests.integration.organizations import PEPPER, Org
from tests.integration.statements import run

MAY_MANAGE = frozenset(
    f"{area}:{right}" for area in ("models", "budgets", "logs", "webhooks") for right in ("read", "write")
)
API_KEY = "sk-test-0123456789abcdefWXYZ"


class Caller(ApiCaller):
    """Calls the management API as an organization's key."""

    def __init__(self, org: Org, *, permissions: frozenset[str] = MAY_MANAGE) -> None:
        super().__init__(app, key_of(org, permissions), below="/api/v1")
        self.org = org

    async def provider(self, name: str = "openai", **body: Any) -> dict[str, Any]:
        """Set up a provider."""
        return await self.made("providers", **{"name": name, "kind": "openai", "api_key": API_KEY, **body})

    async def model(self, provider: Mapping[str, Any], name: str = "fast", **body: Any) -> dict[str, Any]:
        """Register a model."""
        return await self.made(
            "models", **{"name": name, "provider_id": provider["id"], "upstream_model": "gpt-4o-mini", **body}
        )

    async def route(self, name: str = "chat", *targets: str, **body: Any) -> dict[str, Any]:
        """Set up a route."""
        return await self.made("routes", name=name, targets=[{"model": model} for model in targets], **body)

    async def budget(self, **body: Any) -> dict[str, Any]:
        """Set a budget, of the organization for a month unless it says otherwise."""
        plain = {"name": "Budget", "scope": "organization", "window": "month", "limit_usd": "10"}
        return await self.made("budgets", **{**plain, **body})

    async def limit(self, **body: Any) -> dict[str, Any]:
        """Set a limit, of the organization unless it says otherwise."""
        return await self.made("limits", **{"name": "Limit", "scope": "organization", **body})

    async def prompt(self, name: str = "support", *versions: Mapping[str, Any]) -> dict[str, Any]:
        """Make a prompt with versions."""
        prompt = await self.made("prompts", name=name)
        for version in versions:
            await self.made(f"prompts/{prompt['id']}/versions", **version)
        return prompt

    def of_no_project(self) -> "Caller":
        """The same as a person, who is bound to no project."""
        person = Caller(self.org, permissions=self.principal.permissions)
        person.principal = self.principal.model_copy(update={"project_id": None, "actor_type": ActorType.USER})
        return person

    async def webhook(self, url: str = "http://127.0.0.1:9/hooks", **body: Any) -> dict[str, Any]:
        """Set up a webhook; with its secret."""
        return await self.made("webhooks", **{"url": url, "event_types": ["batch.completed"], **body})


class Management:
    """The use cases over a database, Redis and a key of moto's KMS.

    Attributes:
        private: Whether providers may be in private networks.
        tests: What asks providers for their models; None is the real thing.
        clock: The time of everything.
        counters: Where it is read what budgets have spent.
        contents: Where contents of calls are.
    """

    def __init__(self, database: Database, redis: Redis, kms: Kms) -> None:
        self.database = database
        self.redis = redis
        encryption = EnvelopeEncryption(kms)
        self.safe = CredentialSafe(ProviderCredentials(encryption))
        self.secrets = SigningSecrets(encryption)
        self.private = True
        self.tests: Tests | None = None
        self.clock: Clock = SystemClock()
        self.counters = redis
        self.contents = S3CallContents(Objects("llmo-no-such-bucket", "application/json"))
        outbox = Outbox(database=database, schema="integration", bus=BusDown, clock=SystemClock(), new_id=new_id)
        self.shared: dict[str, Any] = {
            "references": PostgresReferences(database),
            "events": outbox,
            "change": Changes(database=database, redis=redis, new_version=new_id_text).change,
            "new_id": new_id,
        }

    async def providers(self) -> ProviderService:
        policy = AddressPolicy(private=self.private)
        return ProviderService(
            providers=PostgresProviders(self.database),
            safe=self.safe,
            tests=self.tests or ModelLists(policy=policy),
            policy=policy,
            clock=self.clock,
            **self.shared,
        )

    async def registry(self) -> RegistryService:
        models = PostgresModels(self.database)
        guard = ModelGuard(models=models, references=self.shared["references"])
        return Configuring(MODELS, kept=models, guard=guard, **self._changing())

    async def prices(self) -> PriceService:
        changing = self._changing()
        del changing["new_id"]
        return PriceService(
            models=await self.registry(),
            prices=PostgresPrices(self.database),
            editions=PostgresEditions(self.database),
            **changing,
        )

    async def routes(self) -> RouteService:
        kind = routes(lambda: uuid4().hex[:8])
        guard = RouteGuard(self.shared["references"])
        return Configuring(kind, kept=PostgresRoutes(self.database), guard=guard, **self._changing())

    async def budgets(self) -> BudgetService:
        return BudgetService(
            budgets=Configuring(BUDGETS, kept=PostgresBudgets(self.database), **self._changing()),
            places=PostgresPlaces(self.database),
            counters=RedisCounters(self.counters),
            clock=self.clock,
        )

    async def limits(self) -> Configuring[Limit]:
        return Configuring(LIMITS, kept=PostgresLimits(self.database), **self._changing())

    async def settings(self) -> SettingsService:
        changing = self._changing()
        del changing["new_id"]
        return SettingsService(settings=PostgresSettings(self.database), **changing)

    async def policies(self) -> PolicyService:
        changing = self._changing()
        del changing["new_id"]
        return PolicyService(policies=PostgresPolicies(self.database), **changing)

    async def cache(self) -> CacheService:
        return CacheService(purges=PostgresPurges(self.database), **self._changing())

    async def prompts(self) -> PromptService:
        kept = PostgresPrompts(self.database)
        return Configuring(PROMPTS, kept=kept, guard=PromptGuard(kept), **self._changing())

    async def versions(self) -> VersionService:
        prompts, versions = PostgresPrompts(self.database), PostgresVersions(self.database)
        return VersionService(prompts=prompts, versions=versions, **self._changing())

    async def guardrails(self) -> Configuring[Guardrail]:
        kept = PostgresGuardrails(self.database)
        return Configuring(GUARDRAILS, kept=kept, guard=GuardrailGuard(kept), **self._changing())

    async def testing_guardrails(self) -> TestingGuardrails:
        return TestingGuardrails(PostgresGuardrails(self.database), timer=time.monotonic)

    async def loggings(self) -> LoggingService:
        changing = self._changing()
        del changing["new_id"]
        return LoggingService(loggings=PostgresLoggings(self.database), **changing)

    async def logs(self) -> LogService:
        return LogService(
            calls=PostgresLoggedCalls(self.database),
            contents=KeptContents(self.contents),
            events=self.shared["events"],
            transaction=self.database.transaction,
            clock=self.clock,
        )

    async def webhooks(self) -> WebhookService:
        return WebhookService(
            webhooks=PostgresWebhooks(self.database),
            deliveries=PostgresDeliveries(self.database),
            safe=SecretSafe(self.secrets),
            policy=AddressPolicy(private=self.private),
            random_bytes=os.urandom,
            **self._changing(),
        )

    async def deliveries(self) -> DeliveryService:
        return DeliveryService(
            webhooks=PostgresWebhooks(self.database),
            deliveries=PostgresDeliveries(self.database),
            safe=SecretSafe(self.secrets),
            calls=WebhookCalls(policy=AddressPolicy(private=self.private), clock=self.clock),
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
            timer=time.perf_counter,
        )

    def _changing(self) -> dict[str, Any]:
        shared = {name: self.shared[name] for name in ("events", "change", "new_id")}
        return {**shared, "clock": self.clock}

    async def repeated_requests(self) -> RepeatedRequests:
        records = IdempotencyRecords("integration")
        return RepeatedRequests(database=self.database, records=records, secret=PEPPER.encode(), clock=SystemClock())

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            providers_wiring.provider_service: self.providers,
            registry_wiring.registry_service: self.registry,
            registry_wiring.price_service: self.prices,
            routes_wiring.route_service: self.routes,
            budgets_wiring.budget_service: self.budgets,
            limits_wiring.limit_service: self.limits,
            settings_wiring.settings_service: self.settings,
            policies_wiring.policy_service: self.policies,
            cache_wiring.cache_service: self.cache,
            prompts_wiring.prompt_service: self.prompts,
            prompts_wiring.version_service: self.versions,
            guardrails_wiring.guardrail_service: self.guardrails,
            guardrails_wiring.testing: self.testing_guardrails,
            logs_wiring.logging_service: self.loggings,
            logs_wiring.log_service: self.logs,
            webhooks_wiring.webhook_service: self.webhooks,
            webhooks_wiring.delivery_service: self.deliveries,
            shared.repeated_requests: self.repeated_requests,
        }

    def caller(self, org: Org) -> Caller:
        """Somebody who may manage models in an organization."""
        return Caller(org)

    async def announced(self, org_id: UUID) -> Sequence[Envelope]:
        """What an organization's transactions announced, in order."""
        async with self.database.transaction(org_id) as connection:
            rows = await run(connection, "SELECT envelope FROM {} ORDER BY position", "integration", "outbox")
        return [Envelope.model_validate_json(row["envelope"]) for row in rows]

    async def config_version(self, org: Org) -> str | None:
        """What gateways compare."""
        found = await self.redis.get(f"{{{org.org_ref}}}:config_version")
        return found.decode() if isinstance(found, bytes) else found


@asynccontextmanager
async def moto_kms(url: str) -> AsyncIterator[Kms]:
    """A new key of moto's."""
    calls = AwsCalls()
    service = JsonService("kms", "TrentService", "eu-west-1", url)
    credentials = Credentials("AKIAEXAMPLE", "secret")
    body = b"{}"
    headers = service.sign("CreateKey", body, credentials=credentials, now=SystemClock().now())
    _, answer = await calls.post(f"{url}/", body, headers)
    arn = json.loads(answer)["KeyMetadata"]["Arn"]
    yield Kms(service=service, key_arn=arn, post=calls.post, credentials=lambda: credentials)
    await calls.close()
