import pytest

from local.front.routes import RouteTable
from local.stack import RouteSpec


def table(*routes: str) -> RouteTable:
    return RouteTable(
        RouteSpec(method, path, f"{method} {path}", authorizer=False, streaming=False)
        for method, _, path in (route.partition(" ") for route in routes)
    )


PLATFORM = table(
    "ANY /v1/{proxy+}",
    "GET /healthz",
    "GET /api/v1/api-keys",
    "POST /api/v1/api-keys",
    "DELETE /api/v1/api-keys/{key_id}",
    "GET /api/v1/api-keys/current",
    "ANY /api/v1/analytics/{proxy+}",
    "GET /api/v1/analytics/openapi.json",
    "GET /api/v1/{service}/status",
)


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/healthz", "/healthz", {}),
        ("/healthz/", "/healthz", {}),
        ("/v1/chat/completions", "/v1/{proxy+}", {"proxy": "chat/completions"}),
        ("/v1/models/gpt%2F5", "/v1/{proxy+}", {"proxy": "models/gpt%2F5"}),
        ("/api/v1/api-keys", "/api/v1/api-keys", {}),
        ("/api/v1/api-keys/current", "/api/v1/api-keys/current", {}),
        ("/api/v1/api-keys/a%40b", "/api/v1/api-keys/{key_id}", {"key_id": "a%40b"}),
        ("/api/v1/analytics/openapi.json", "/api/v1/analytics/openapi.json", {}),
        ("/api/v1/analytics/usage", "/api/v1/analytics/{proxy+}", {"proxy": "usage"}),
        ("/api/v1/billing/status", "/api/v1/{service}/status", {"service": "billing"}),
    ],
)
def test_the_most_specific_resource_takes_a_path(path: str, resource: str, parameters: dict[str, str]) -> None:
    match = PLATFORM.match(path)

    assert match is not None
    assert (match.resource.path, match.parameters) == (resource, parameters)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/chat", "/healthz/more", "/api/v1/api-keys/a/b", "/api"])
def test_a_path_without_a_resource_has_no_match(path: str) -> None:
    assert PLATFORM.match(path) is None


def test_a_methods_own_route_goes_before_the_one_for_any() -> None:
    match = table("ANY /things", "GET /things").match("/things")

    assert match is not None
    assert {method: route.function for method in ("GET", "PUT") if (route := match.resource.route(method))} == {
        "GET": "GET /things",
        "PUT": "ANY /things",
    }


def test_a_method_that_the_resource_lacks_has_no_route() -> None:
    match = PLATFORM.match("/healthz")

    assert match is not None
    assert match.resource.route("POST") is None
