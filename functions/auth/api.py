"""The auth service's HTTP API."""

from auth.accounts import api as accounts
from auth.api_keys import api as api_keys
from auth.audit import api as audit
from auth.federation import api as federation
from auth.organizations import api as organizations
from auth.registration import api as registration
from auth.second_factors import api as second_factors
from auth.sign_in import api as sign_in
from llmo_core.http.app import create_app, lambda_handler

app = create_app(
    title="LLMOptimizer auth",
    prefix="/api/v1/auth",
    routers=[
        accounts.router,
        api_keys.router,
        audit.router,
        registration.router,
        sign_in.router,
        second_factors.router,
        federation.router,
        organizations.own,
        organizations.router,
        organizations.joining,
    ],
    first=audit.acting,
    description=(
        "Registering, signing in and out, here and with identity providers, second factors, members and projects of "
        "organizations, who is calling, and the API keys of an organization."
    ),
)
handler = lambda_handler(app)
