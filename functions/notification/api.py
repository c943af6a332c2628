"""The notification HTTP API."""

from llmo_core.http.app import create_app, lambda_handler
from notification.requests import routes as request_routes

app = create_app(
    title="LLMOptimizer notification",
    prefix="/api/v1/notifications",
    routers=[request_routes.router],
    description=(
        "What people learn of what happens, on channels that they choose: mail, text message, push, and the inbox of "
        "the application. Notifications of the platform's own events are sent by itself; organizations send others."
    ),
)
handler = lambda_handler(app)
