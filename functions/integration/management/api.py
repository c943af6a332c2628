"""The management API of the integration service."""

from integration.management.budgets import api as budgets
from integration.management.cache import api as cache
from integration.management.guardrails import api as guardrails
from integration.management.limits import api as limits
from integration.management.logs import api as logs
from integration.management.organization_settings import api as organization_settings
from integration.management.policies import api as policies
from integration.management.prompts import api as prompts
from integration.management.providers import api as providers
from integration.management.registry import api as registry
from integration.management.routes import api as routes
from integration.management.webhooks import api as webhooks
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer integration",
    prefix="/api/v1/integration",
    routers=[
        providers.router,
        providers.testing,
        registry.router,
        routes.router,
        budgets.router,
        limits.router,
        organization_settings.router,
        policies.router,
        cache.router,
        prompts.router,
        prompts.rendering,
        guardrails.testing,
        guardrails.router,
        logs.router,
        webhooks.router,
        webhooks.testing,
    ],
    description=(
        "Where an organization's calls go: providers with their credentials, models by the names that callers give, "
        "with their prices, and routes that choose among models. And how far they may go: budgets with what is "
        "spent of them, limits, policies that make calls cheaper, and purges of the cache. "
        "And what calls are made from, prompts in versions, and what looks at them: guardrails. "
        "And what was said in calls, for projects that want it kept. "
        "And who is told of what happens: webhooks."
    ),
)
handler = lambda_handler(app)
