"""Every POST of a management API takes an `Idempotency-Key`: its OpenAPI document says so."""

import importlib
from typing import Any

from local.stack import StackSpec
from tests.template.conftest import asgi_module

# Credentials are not kept to be repeated, nobody is known who could repeat a request, and each has its own once-only:
# a token that works once, a session that ends once.
OF_CREDENTIALS = {
    "/api/v1/auth/change-password",
    "/api/v1/auth/login",
    "/api/v1/auth/login/second-factor",
    "/api/v1/auth/passkeys/login",
    "/api/v1/auth/passkeys/login/options",
    "/api/v1/auth/logout",
    "/api/v1/auth/passkeys",
    "/api/v1/auth/passkeys/options",
    "/api/v1/auth/reauthenticate",
    "/api/v1/auth/recovery-codes",
    "/api/v1/auth/totp",
    "/api/v1/auth/totp/confirm",
    "/api/v1/auth/refresh",
    "/api/v1/auth/federated/{provider}/start",
    "/api/v1/auth/federated/{provider}/callback",
    "/api/v1/auth/identities",
    "/api/v1/auth/identities/start",
    "/api/v1/auth/register",
    "/api/v1/auth/verify-email",
    "/api/v1/me/email",
    "/api/v1/me/email/confirm",
    "/api/v1/orgs/{org_id}/members",
    "/api/v1/auth/resend-verification",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/reset-password",
    "/oauth2/authorize",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/token",
    "/oauth2/userinfo",  # it reads
    "/verify-email",
    "/reset-password",
}
# What the operator does elsewhere is no part of the transaction that answers are kept in. Grants are told apart by an
# id in the body, and the others change nothing when they are repeated.
OF_THE_OPERATOR = {
    "/api/v1/billing/accounts/{org_id}/grants",
    "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/dunning/delay",
    "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/give-up",
    "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/void",
}
# Marks that are there already: doing it twice is doing it once.
SET_ONCE = {
    "/api/v1/contacts/phone/verification",
    "/api/v1/inbox/read-all",
    "/api/v1/inbox/seen",
    "/api/v1/inbox/{item_id}/archive",
    "/api/v1/inbox/{item_id}/read",
    "/api/v1/inbox/{item_id}/seen",
    "/api/v1/inbox/{item_id}/unarchive",
    "/api/v1/inbox/{item_id}/unread",
    "/unsubscribe/{token}",
}
CHANGES_NOTHING = {
    "/api/v1/analytics/query",
    "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/credit-notes/preview",
    "/api/v1/billing/invoices/preview",
    "/api/v1/billing/plans/preview",
    "/api/v1/guardrails/test",
    "/api/v1/policies/dry-runs",
    "/api/v1/prompts/{prompt_id}/render",
    "/api/v1/providers/{provider_id}/test",
    "/api/v1/templates/preview",
    "/api/v1/templates/{template_id}/preview",
    "/api/v1/webhooks/{webhook_id}/test",
}


_OTHERS = OF_CREDENTIALS | OF_THE_OPERATOR | CHANGES_NOTHING | SET_ONCE


def test_no_post_forgets_the_idempotency_key(stack: StackSpec) -> None:
    functions = {route.function for route in stack.routes if route.path.startswith("/api/v1/")}
    posts: dict[str, Any] = {}
    for function in sorted(functions):
        document = importlib.import_module(asgi_module(stack.functions[function])).app.openapi()
        posts |= {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}

    assert "/api/v1/api-keys" in posts
    assert posts.keys() >= _OTHERS
    for path, post in posts.items():
        if path in _OTHERS:
            continue
        assert "Idempotency-Key" in {parameter["name"] for parameter in post.get("parameters", ())}, path
        assert {"400", "409", "422"} <= post["responses"].keys(), path
