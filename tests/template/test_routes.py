"""The API as CloudFormation gets it: which routes stream, and who may call them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.conftest import Resources, of_type

STREAMING = {
    "/v1/{proxy+}",
    "/healthz",
    "/api/v1/analytics/live",
    "/api/v1/analytics/live/openapi.json",
    "/api/v1/inbox/live",
    "/api/v1/inbox/live/openapi.json",
    "/api/v1/usage/live",
    "/api/v1/usage/openapi.json",
}
PUBLIC = {
    "/v1/{proxy+}",  # the gateway checks the key itself, together with limits, budget and cache
    "/healthz",
    "/api/v1/auth/openapi.json",
    "/api/v1/analytics/live/openapi.json",
    "/api/v1/analytics/openapi.json",
    "/api/v1/billing/openapi.json",
    "/api/v1/inbox/live/openapi.json",
    "/api/v1/integration/openapi.json",
    "/api/v1/notifications/openapi.json",
    "/api/v1/policies/dry-runs/openapi.json",
    "/api/v1/usage/openapi.json",
    "/api/v1/auth/register",
    "/api/v1/auth/verify-email",
    "/api/v1/auth/resend-verification",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/reset-password",
    "/api/v1/auth/login",
    "/api/v1/auth/login/second-factor",
    "/api/v1/auth/passkeys/login",
    "/api/v1/auth/passkeys/login/options",
    "/api/v1/auth/refresh",
    "/api/v1/auth/providers",
    "/api/v1/auth/federated/{provider}/start",
    "/api/v1/auth/federated/{provider}/callback",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth2/authorize",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/token",
    "/unsubscribe/{token}",  # whoever has the link wants no more mails
    "/webhooks/sendgrid",  # signed by SendGrid
    "/verify-email",
    "/reset-password",
    "/confirm-email",
    "/invitations",
    "/webhooks/stripe",  # signed by Stripe
    "/webhooks/twilio",  # signed by Twilio
}
AUTHORIZER = "PrincipalAuthorizer"

type Operations = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(scope="session")
def api(transformed: Resources) -> dict[str, Any]:
    """The OpenAPI document that API Gateway imports."""
    body: dict[str, Any] = of_type(transformed, "AWS::ApiGateway::RestApi")["Api"]["Body"]
    return body


@pytest.fixture(scope="session")
def operations(api: dict[str, Any]) -> Operations:
    """(path, method, operation) of every route but the preflight answers."""

    def every() -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, methods in api["paths"].items():
            for method, operation in methods.items():
                if method != "options":
                    yield path, method, operation

    return list(every())


def test_the_routes_of_servers_behind_the_web_adapter_stream_and_no_other(operations: Operations) -> None:
    """`ResponseTransferMode: STREAM` in the template would end up buffered, without a word from SAM."""
    for path, _, operation in operations:
        integration = operation["x-amazon-apigateway-integration"]
        uri = integration["uri"]["Fn::Sub"]
        streams = integration.get("responseTransferMode") == "STREAM"
        assert streams == uri.endswith("/response-streaming-invocations"), path
        assert streams == (path in STREAMING), path
    assert {path for path, _, _ in operations} >= STREAMING


def test_every_management_route_asks_the_authorizer_but_the_public_ones(operations: Operations) -> None:
    for path, method, operation in operations:
        wanted = "NONE" if path in PUBLIC else AUTHORIZER
        assert operation["security"] == [{wanted: []}], f"{method} {path}"
    assert {path for path, _, _ in operations} >= PUBLIC
    assert any(path.startswith("/api/v1/") and path not in PUBLIC for path, _, _ in operations)


def test_the_authorizers_answer_is_kept_for_one_credential_from_one_address(api: dict[str, Any]) -> None:
    definition = api["components"]["securitySchemes"][AUTHORIZER]["x-amazon-apigateway-authorizer"]
    assert definition["type"] == "request"
    assert definition["identitySource"] == "method.request.header.Authorization, context.identity.sourceIp"


def test_a_preflight_request_needs_no_key(api: dict[str, Any]) -> None:
    for path, methods in api["paths"].items():
        assert "security" not in methods["options"], path


def test_files_in_forms_arrive_byte_for_byte_and_everything_else_stays_text(api: dict[str, Any]) -> None:
    """Answers of the gateway are streamed, and need no binary media type."""
    assert api["x-amazon-apigateway-binary-media-types"] == ["multipart/form-data"]
