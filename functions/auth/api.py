"""The auth service's HTTP API."""

from auth.api_keys import api as api_keys
from auth.oauth import answers as oauth_answers
from auth.oauth import client_routes, discovery_routes, page_routes, token_routes, userinfo_routes
from auth.organizations import api as organizations
from auth.registration import api as registration
from auth.service_accounts import api as service_accounts
from auth.sign_in import api as sign_in
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer auth",
    prefix="/api/v1/auth",
    routers=[
        api_keys.router,
        registration.router,
        sign_in.router,
        organizations.router,
        organizations.joining,
        service_accounts.router,
        client_routes.router,
        page_routes.router,
        token_routes.router,
        userinfo_routes.router,
        discovery_routes.router,
    ],
    description=(
        "Registering, signing in and out, members and projects of organizations, who is calling, API keys and service "
        "accounts of an organization, and the authorization server (OAuth 2.1, OpenID Connect)."
    ),
)
oauth_answers.install(app)
handler = lambda_handler(app)
