"""The auth service's HTTP API."""

from auth.accounts import api as accounts
from auth.api_keys import api as api_keys
from auth.audit import api as audit
from auth.federation import api as federation
from auth.mailed_links import api as mailed_links
from auth.oauth import answers as oauth_answers
from auth.oauth import client_routes, discovery_routes, page_routes, token_routes, userinfo_routes
from auth.organizations import api as organizations
from auth.registration import api as registration
from auth.second_factors import api as second_factors
from auth.service_accounts import api as service_accounts
from auth.sign_in import api as sign_in
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer auth",
    prefix="/api/v1/auth",
    routers=[
        accounts.router,
        accounts.closing,
        api_keys.router,
        audit.router,
        registration.router,
        sign_in.router,
        second_factors.router,
        federation.router,
        organizations.own,
        organizations.router,
        organizations.joining,
        service_accounts.router,
        client_routes.router,
        page_routes.router,
        token_routes.router,
        userinfo_routes.router,
        discovery_routes.router,
        mailed_links.router,
    ],
    first=audit.acting,
    description=(
        "Registering, signing in and out, here and with identity providers, second factors, one's own account, "
        "organizations with their members, roles, projects, API keys, service accounts and audit log, the "
        "authorization server (OAuth 2.1, OpenID Connect), and the pages behind the links of mails."
    ),
)
oauth_answers.install(app)
handler = lambda_handler(app)
