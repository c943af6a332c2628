"""The notification HTTP API."""

from llmo_core.http.app import create_app, lambda_handler
from notification.contacts import routes as contact_routes
from notification.contacts import wiring as contacts
from notification.direct.wiring import direct_messages
from notification.inbox import routes as inbox_routes
from notification.preferences import routes as preference_routes
from notification.requests import routes as request_routes
from notification.suppressions import routes as suppression_routes
from notification.templates import routes as template_routes
from notification.topics import routes as topic_routes
from notification.unsubscribing import routes as unsubscribe_routes

contacts.connect(direct_messages)
app = create_app(
    title="LLMOptimizer notification",
    prefix="/api/v1/notifications",
    routers=[
        suppression_routes.router,  # before /api/v1/notifications/{notification_id}
        request_routes.router,
        template_routes.previewing,
        template_routes.router,
        inbox_routes.router,
        preference_routes.router,
        topic_routes.router,
        contact_routes.phone_router,
        contact_routes.device_router,
        unsubscribe_routes.router,
    ],
    description=(
        "What people learn of what happens, on channels that they choose: mail, text message, push, and the inbox of "
        "the application. Notifications of the platform's own events are sent by itself; organizations send others."
    ),
)
handler = lambda_handler(app)
