"""Identity providers through the Lambda handler: who may link, what is configured, and what is kept out of caches."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from auth import wiring
from llmo_core.loop import run
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.auth.test_second_factor_routes import call, opened, signed_in
from tests.integration.stores import Postgres

ANSWER = {"code": "code", "state": "state", "flow_token": "token"}
PROVIDER = {
    "id": "house",
    "kind": "oidc",
    "name": "House",
    "issuer": "https://127.0.0.1:9",
    "client_id": "llmo",
    "client_secret": "hush-hush",
}
RECENT = [
    ("POST", "/identities/start", {"provider": "nowhere"}, 404),
    ("POST", "/identities", ANSWER | {"provider": "house"}, 400),
    ("DELETE", f"/identities/{UUID(int=1)}", None, 404),
]


@pytest.fixture(autouse=True)
def configured(
    lambda_environment: pytest.MonkeyPatch, secrets: FakeSecretsManager, postgres: Postgres
) -> Iterator[dict[str, str]]:
    """The secrets, in which there is one provider."""
    for name, value in postgres.environment("llmo_auth").items():
        lambda_environment.setenv(name, value)
    secrets.secrets["llmo-tests/identity-providers"] = json.dumps([PROVIDER])
    yield secrets.secrets
    secrets.secrets["llmo-tests/identity-providers"] = "[]"
    run(wiring.close())


def test_providers_are_listed_without_what_only_we_and_they_know() -> None:
    status, listed, _ = call("GET", "/providers")
    assert (status, listed) == (200, {"data": [{"id": "house", "kind": "oidc", "name": "House"}]})


def test_google_and_github_need_no_issuer(configured: dict[str, str]) -> None:
    shared = {"client_id": "llmo", "client_secret": "hush-hush"}
    providers = [{"id": kind, "kind": kind, "name": kind.title(), **shared} for kind in ("google", "github")]
    configured["llmo-tests/identity-providers"] = json.dumps(providers)
    _, listed, _ = call("GET", "/providers")
    assert [provider["id"] for provider in listed["data"]] == ["google", "github"]
    status, begun, _ = call("POST", "/federated/github/start")
    assert status == 200
    url = urlsplit(begun["authorization_url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://github.com/login/oauth/authorize"
    assert parse_qs(url.query)["redirect_uri"] == ["https://llmo.example/api/v1/auth/federated/github/callback"]


@pytest.mark.parametrize(
    "wrong",
    ["", "{}", "[1]", [PROVIDER | {"kind": "saml"}], [PROVIDER, PROVIDER], [PROVIDER | {"id": "NO/"}], [{"id": "x"}]],
)
def test_a_configuration_that_cannot_be_read_says_so_and_nothing_of_its_secrets(
    configured: dict[str, str], caplog: pytest.LogCaptureFixture, wrong: Any
) -> None:
    configured["llmo-tests/identity-providers"] = wrong if isinstance(wrong, str) else json.dumps(wrong)
    status, problem, _ = call("GET", "/providers")
    assert (status, problem["type"]) == (503, "urn:llmo:problem:providers_misconfigured")
    assert "hush-hush" not in str([vars(record) for record in caplog.records]) + str(problem)


def test_an_issuer_that_is_not_on_the_internet_is_not_called() -> None:
    status, problem, _ = call("POST", "/federated/house/start")
    assert (status, problem["type"]) == (503, "urn:llmo:problem:provider_unavailable")
    assert call("POST", "/federated/nowhere/start")[0] == 404


def test_a_redirect_is_shown_to_nobody_but_who_followed_it_and_does_nothing() -> None:
    event_path = "/federated/house/callback"
    status, shown, headers = call("GET", event_path)
    assert (status, shown) == (200, {"code": None, "state": None, "iss": None, "error": None})
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")


@pytest.mark.parametrize(("method", "path", "body", "otherwise"), RECENT)
def test_identities_are_changed_by_somebody_who_has_just_proved_who_they_are(
    method: str, path: str, body: Any, otherwise: int
) -> None:
    _, user_id = opened()
    status, problem, _ = call(method, path, body, signed_in(user_id, timedelta(minutes=11)))
    assert (status, problem["type"]) == (403, "urn:llmo:problem:reauthentication_required")
    assert call(method, path, body, signed_in(user_id, timedelta()))[0] == otherwise
    assert call(method, path, body)[0] == 401


def test_seeing_ones_identities_takes_no_new_proof() -> None:
    _, user_id = opened()
    assert call("GET", "/identities", person=signed_in(user_id, timedelta(days=1)))[:2] == (200, {"data": []})


def test_a_malformed_answer_is_not_repeated() -> None:
    status, problem, _ = call("POST", "/federated/house/callback", ANSWER | {"state": "s3cret" * 1000})
    assert status == 422
    assert "s3cret" not in str(problem)
