"""The analytics HTTP API."""

from analytics.anomalies import routes as anomaly_routes
from analytics.behaviour import routes as behaviour_routes
from analytics.data_retention import routes as data_retention_routes
from analytics.event_schemas import routes as event_schema_routes
from analytics.exports import routes as export_routes
from analytics.live import routes as live_routes
from analytics.platform import routes as platform_routes
from analytics.privacy import routes as privacy_routes
from analytics.querying import routes as query_routes
from analytics.querying import usage_routes
from analytics.reports import routes as report_routes
from analytics.tracking import routes as tracking_routes
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer analytics",
    prefix="/api/v1/analytics",
    routers=[
        usage_routes.router,
        query_routes.router,
        live_routes.router,
        anomaly_routes.router,
        tracking_routes.router,
        tracking_routes.batches,
        behaviour_routes.router,
        event_schema_routes.router,
        data_retention_routes.router,
        privacy_routes.router,
        export_routes.router,
        report_routes.router,
        platform_routes.router,
    ],
    description=(
        "What an organization's LLM calls used, cost and saved, how fast they were, and what they will cost; what "
        "people do in its own products; files and reports of both; and, for the operator, how the platform itself does."
    ),
)
handler = lambda_handler(app)
