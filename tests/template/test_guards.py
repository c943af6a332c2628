"""Every route of every service says who may call it: a permission, anybody who is authenticated, or the public."""

import importlib
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from auth.http import recently_signed_in
from llmo_auth.guard import Allowed, AllowedIn, authenticated, identified, member, public, represented, signed_in
from llmo_auth.principal import ActorType, Principal
from llmo_core.errors import LlmoError
from local.stack import StackSpec
from tests.template.conftest import asgi_module

NO_APPS = {
    "GatewayFunction",  # looks at keys itself
    "ProviderWebhooksFunction",  # looks at the providers' signatures
    "StripeWebhookFunction",  # looks at Stripe's signature
}

PUBLIC = {
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth2/authorize",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/token",
    "/api/v1/auth/login",
    "/api/v1/auth/login/second-factor",
    "/api/v1/auth/passkeys/login",
    "/api/v1/auth/passkeys/login/options",
    "/api/v1/auth/refresh",
    "/api/v1/auth/providers",
    "/api/v1/auth/federated/{provider}/start",
    "/api/v1/auth/federated/{provider}/callback",
    "/api/v1/auth/register",
    "/api/v1/auth/verify-email",
    "/api/v1/auth/resend-verification",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/reset-password",
    "/verify-email",
    "/reset-password",
    "/confirm-email",
    "/invitations",
    "/unsubscribe/{token}",
}

# What a stolen token must not be enough for.
RECENT = {
    ("DELETE", "/api/v1/me"),
    ("DELETE", "/api/v1/orgs/{org_id}"),
    ("POST", "/api/v1/me/email"),
    ("POST", "/api/v1/auth/totp"),
    ("DELETE", "/api/v1/auth/totp"),
    ("POST", "/api/v1/auth/totp/confirm"),
    ("POST", "/api/v1/auth/recovery-codes"),
    ("POST", "/api/v1/auth/passkeys/options"),
    ("POST", "/api/v1/auth/passkeys"),
    ("DELETE", "/api/v1/auth/passkeys/{passkey_id}"),
    ("POST", "/api/v1/auth/identities"),
    ("POST", "/api/v1/auth/identities/start"),
    ("DELETE", "/api/v1/auth/identities/{identity_id}"),
}

APPENDS_ONLY = Principal(
    org_id=uuid4(),
    project_id=uuid4(),
    actor_type=ActorType.API_KEY,
    actor_id=uuid4(),
    permissions=frozenset({"events:write"}),
)


@pytest.fixture(scope="session")
def routes(stack: StackSpec) -> list[RouteContext]:
    functions = {route.function for route in stack.routes} - NO_APPS
    modules = [asgi_module(stack.functions[function]) for function in sorted(functions)]
    return [route for module in modules for route in _routes(importlib.import_module(module).app)]


def _routes(app: FastAPI) -> list[RouteContext]:
    every = iter_route_contexts(app.routes)
    return [route for route in every if isinstance(route.original_route, APIRoute)]


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)


def _guards(route: RouteContext) -> set[str]:
    found = set()
    for call in _calls(route.dependant):
        guards = {authenticated, identified, member, represented, signed_in, recently_signed_in}
        if isinstance(call, Allowed | AllowedIn) or call in guards:
            found.add("guarded")
        if call is public:
            found.add("public")
    return found


async def _admits(route: RouteContext, principal: Principal) -> bool:
    """Whether every guard of a route that asks for nothing but the request lets somebody pass."""
    event = {"requestContext": {"authorizer": principal.to_context()}}
    request = Request({"type": "http", "headers": [], "aws.event": event})
    for call in _calls(route.dependant):
        try:
            if isinstance(call, AllowedIn) or call is member:
                await call(request, principal.org_id)
            elif isinstance(call, Allowed) or call in {authenticated, identified, represented, signed_in}:
                await call(request)
        except LlmoError:
            return False
    return True


def test_every_route_is_either_guarded_or_declared_public(routes: list[RouteContext]) -> None:
    assert routes
    for route in routes:
        assert len(_guards(route)) == 1, f"{route.methods} {route.path}"


def test_what_is_declared_public_is_what_the_front_door_lets_pass(routes: list[RouteContext], stack: StackSpec) -> None:
    declared = {route.path for route in routes if "public" in _guards(route)}
    passed = {route.path for route in stack.routes if not route.authorizer and route.function not in NO_APPS}
    assert declared == PUBLIC
    assert {path for path in passed if not path.endswith("/openapi.json")} == PUBLIC


def test_what_a_stolen_token_must_not_be_enough_for_takes_a_recent_proof(routes: list[RouteContext]) -> None:
    recent = [route for route in routes if recently_signed_in in set(_calls(route.dependant))]
    assert {(method, route.path) for route in recent for method in route.methods or ()} == RECENT


async def test_a_key_that_web_pages_hold_appends_events_and_gets_nowhere_else(routes: list[RouteContext]) -> None:
    every = {(method, route.path): route for route in routes for method in route.methods or ()}
    admitted = {name for name, route in every.items() if await _admits(route, APPENDS_ONLY)}

    assert {(method, path) for method, path in admitted if path not in PUBLIC} == {
        ("POST", "/api/v1/analytics/events"),
        ("POST", "/api/v1/analytics/events/batch"),
    }


def test_a_guard_that_is_missing_would_be_noticed() -> None:
    app = FastAPI()

    @app.get("/open")
    async def forgotten() -> None:
        """Has no guard."""

    [route] = _routes(app)
    assert _guards(route) == set()
