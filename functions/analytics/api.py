"""The analytics HTTP API."""

from analytics.exports import routes as export_routes
from analytics.querying import routes as query_routes
from analytics.querying import usage_routes
from analytics.reports import routes as report_routes
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer analytics",
    prefix="/api/v1/analytics",
    routers=[usage_routes.router, query_routes.router, export_routes.router, report_routes.router],
    description="What an organization's LLM calls used, cost and saved, how fast they were, and what they will cost.",
)
handler = lambda_handler(app)
