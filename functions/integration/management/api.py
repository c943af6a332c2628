"""The management API of the integration service."""

from integration.management.providers import api as providers
from integration.management.registry import api as registry
from integration.management.routes import api as routes
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer integration",
    prefix="/api/v1/integration",
    routers=[providers.router, providers.testing, registry.router, routes.router],
    description=(
        "Where an organization's calls go: providers with their credentials, models by the names that callers give, "
        "with their prices, and routes that choose among models."
    ),
)
handler = lambda_handler(app)
