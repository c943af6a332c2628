"""No route of any service shows or changes anything of another organization, whatever of its ids a caller names.

Requests are made up from the published documents; every id in them that can be is one of the other organization's, or
every one but the organization's in the path, which is the caller's own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio
import schemathesis
from hypothesis import settings

from tests.e2e.platform import Json, Platform
from tests.e2e.test_billing import offered_plan
from tests.e2e.test_published_api import FINAL, bounded, published

type Case = schemathesis.Case[Any]

_READ_BACK = ("", "/members", "/invitations", "/projects", "/roles", "/service-accounts", "/oauth-clients")
_READ_BACK_BESIDES = (
    "api-keys",
    "auth/second-factors",
    "providers",
    "models",
    "routes",
    "budgets",
    "limits",
    "settings",
    "policies",
    "cache/purges",
    "prompts",
    "guardrails",
    "logs/settings",
    "webhooks",
    "billing/account",
    "billing/subscriptions",
    "billing/wallets",
)


@dataclass
class Victim:
    """An organization that has one of everything.

    Attributes:
        marker: In every name that it chose.
        ids: What it has, by what the ids are called in paths and bodies.
        before: What it sees of itself, before anybody tried anything.
    """

    marker: str
    token: str
    ids: Mapping[str, str]
    before: str = ""

    async def sees(self, platform: Platform) -> str:
        """What its own members see of it, but for what changes by looking."""
        org = f"/api/v1/orgs/{self.ids['org_id']}"
        answers = [await platform.call("GET", f"{org}{path}", api_key=self.token) for path in _READ_BACK]
        paths = [
            *_READ_BACK_BESIDES,
            f"models/{self.ids['model_id']}/prices",
            f"prompts/{self.ids['prompt_id']}/versions",
            f"budgets/{self.ids['budget_id']}/spending",
            f"webhooks/{self.ids['webhook_id']}/deliveries",
        ]
        answers += [await platform.call("GET", f"/api/v1/{path}", api_key=self.token) for path in paths]
        assert {answer.status for answer in answers} == {200}, answers
        return json.dumps([answer.json() for answer in answers])


async def _signed_in(platform: Platform, marker: str) -> tuple[Json, str]:
    email, password = f"{uuid4().hex}@example.org", uuid4().hex
    account = {"organization": marker, "project": marker, "email": email, "password": password}
    made = await platform.invoke("BootstrapFunction", account)
    answer = await platform.call(
        "POST", "/api/v1/auth/login", api_key=None, json={"email": email, "password": password}
    )
    return made, str(answer.json()["access_token"])


@pytest_asyncio.fixture(scope="module")
async def victim(platform: Platform) -> Victim:
    marker = f"secret-{uuid4().hex}"
    made, token = await _signed_in(platform, marker)
    org = f"/api/v1/orgs/{made['org_id']}"

    async def create(path: str, method: str = "POST", **body: Any) -> Json:
        answer = await platform.call(method, path, api_key=token, json=body)
        assert answer.status in {200, 201}, answer
        return answer.json()

    invitation = await create(f"{org}/invitations", email=f"{marker}@example.org")
    role = await create(f"{org}/roles", name=f"r{uuid4().hex[:8]}", description=marker, permissions=["usage:read"])
    project = await create(f"{org}/projects", name=f"{marker} 2")
    key = await create("/api/v1/api-keys", name=marker, project_id=project["id"])
    account = await create(f"{org}/service-accounts", name=marker, permissions=["usage:read"])
    secret = await create(f"{org}/service-accounts/{account['id']}/secrets")
    application = await create(
        f"{org}/oauth-clients",
        name=marker,
        redirect_uris=["https://report.example/callback"],
        permissions=["usage:read"],
        confidential=True,
    )
    provider = await create(
        "/api/v1/providers", name=marker[:60], kind="openai", api_key=marker, base_url="http://127.0.0.1:9/v1"
    )
    model = await create("/api/v1/models", name=f"{marker}-m", provider_id=provider["id"], upstream_model=marker)
    route = await create("/api/v1/routes", name=f"{marker}-r", targets=[{"model": model["name"]}])
    somebody: Json = {"name": marker, "scope": "end_user", "subject": marker}
    budget = await create("/api/v1/budgets", **somebody, window="day", limit_usd="1")
    limit = await create("/api/v1/limits", **somebody, requests_per_minute=1)
    await create("/api/v1/settings", "PUT", time_zone="Pacific/Kiritimati")
    for whose in ("default", project["id"]):
        await create(f"/api/v1/policies/{whose}", "PUT", compact=True)
    await create(f"/api/v1/policies/keys/{key['id']}", "PUT", compact=True)
    await create("/api/v1/cache/purges", project_id=project["id"])
    prompt = await create("/api/v1/prompts", name=f"{marker[:40]}-p", description=marker)
    said = [{"role": "user", "content": marker}]
    await create(f"/api/v1/prompts/{prompt['id']}/versions", messages=said, labels=["production"])
    guardrail = await create(
        "/api/v1/guardrails", name=marker[:60], kind="deny", action="block", words=[marker], message=marker
    )
    await create(f"/api/v1/logs/settings/{project['id']}", "PUT", retention_days=7)
    webhook = await create(
        "/api/v1/webhooks", url=f"http://127.0.0.1:9/{marker}", event_types=["batch.failed"], description=marker
    )
    await create("/api/v1/billing/account", "PUT", name=marker)
    subscription = await create("/api/v1/billing/subscriptions", plan_id=await offered_plan(platform))
    wallet = await create("/api/v1/billing/wallets", currency="USD", name=marker)
    sessions = (await platform.call("GET", "/api/v1/auth/sessions", api_key=token)).json()["data"]
    ids = {
        "org_id": made["org_id"],
        "user_id": made["user_id"],
        "project_id": project["id"],
        "key_id": key["id"],
        "invitation_id": invitation["id"],
        "session_id": sessions[0]["id"],
        "account_id": account["id"],
        "service_account_id": account["id"],
        "actor_id": made["user_id"],
        "target_id": invitation["id"],
        "secret_id": secret["id"],
        "client_id": application["client_id"],
        "name": role["name"],
        "role": role["name"],
        "provider_id": provider["id"],
        "model_id": model["id"],
        "route_id": route["id"],
        "webhook_id": webhook["id"],
        "delivery_id": webhook["id"],
        "budget_id": budget["id"],
        "limit_id": limit["id"],
        "prompt_id": prompt["id"],
        "guardrail_id": guardrail["id"],
        "subscription_id": subscription["id"],
        "wallet_id": wallet["id"],
    }
    found = Victim(marker, token, ids)
    found.before = await found.sees(platform)
    return found


@dataclass
class Attackers:
    """A person and a program of another organization, who may do everything there."""

    org_id: str
    credentials: list[str]


@pytest_asyncio.fixture(scope="module")
async def attackers(platform: Platform) -> Attackers:
    made, token = await _signed_in(platform, "attacker")
    return Attackers(made["org_id"], [token, str(made["api_key"])])


def _aimed(value: Any, ids: Mapping[str, str], name: str = "") -> Any:
    """The same, with every id replaced by one that the victim has."""
    if isinstance(value, dict):
        return {key: _aimed(part, ids, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_aimed(part, ids, name) for part in value]
    if name in ids and isinstance(value, str):
        return ids[name]
    return ids["org_id"] if isinstance(value, str) and _is_id(value) else value


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _attack(case: Case, platform: Platform, victim: Victim, ids: Mapping[str, str], credentials: str) -> Any:
    """Call a route with these ids; what it answers shows nothing of the victim's."""
    case.path_parameters = {name: ids.get(name, ids["org_id"]) for name in case.path_parameters}
    if case.query:
        case.query = {name: _aimed(value, ids, name) for name, value in case.query.items()}
    if isinstance(case.body, dict):
        case.body = _aimed(case.body, ids)
    answer = case.call(base_url=platform.base_url, headers={"authorization": f"Bearer {credentials}"})

    assert answer.status_code < 500, answer.text
    assert victim.marker not in answer.text
    told = json.dumps([case.path_parameters, case.query, str(case.body)])
    for identity in filter(_is_id, victim.ids.values()):
        assert identity in told or identity not in answer.text
    return answer


def _refused(case: Case, answer: Any) -> None:
    assert answer.status_code >= 400, f"{case.method} {case.path}: {answer.status_code} {answer.text}"


@published("auth", mode="positive").exclude(path=FINAL).parametrize()
@settings(bounded, max_examples=4)
def test_auth(case: Case, platform: Platform, victim: Victim, attackers: Attackers) -> None:
    for credentials in attackers.credentials:
        answer = _attack(case, platform, victim, victim.ids, credentials)
        if "{org_id}" in case.path:
            _refused(case, answer)


@published("analytics", mode="positive").parametrize()
@settings(bounded, max_examples=4)
def test_analytics(case: Case, platform: Platform, victim: Victim, attackers: Attackers) -> None:
    # What is tracked is the sender's own text, and the sender's own lists show it.
    tracks = case.method == "POST" and case.path.endswith(("/events", "/events/batch"))
    ids = {"org_id": attackers.org_id} if tracks else victim.ids
    for credentials in attackers.credentials:
        _attack(case, platform, victim, ids, credentials)


@published("auth", mode="positive").include(path_regex=r"\{org_id\}/").parametrize()
@settings(bounded, max_examples=4)
def test_auth_below_the_callers_own_organization(
    case: Case, platform: Platform, victim: Victim, attackers: Attackers
) -> None:
    ids = {**victim.ids, "org_id": attackers.org_id}
    if case.method == "POST":
        del ids["name"]  # a role of this name would be the caller's own from then on
    for credentials in attackers.credentials:
        answer = _attack(case, platform, victim, ids, credentials)
        assert answer.status_code != 401, answer.text
        if len(case.path_parameters) > 1:
            _refused(case, answer)


async def test_nobody_was_refused_because_their_credentials_had_ended(platform: Platform, attackers: Attackers) -> None:
    answers = [await platform.call("GET", "/api/v1/me", api_key=shown) for shown in attackers.credentials]
    assert [answer.status for answer in answers] == [200, 200]
    assert {answer.json()["organization"]["id"] for answer in answers} == {attackers.org_id}


@published("integration", mode="positive").parametrize()
@settings(bounded, max_examples=4)
def test_integration(case: Case, platform: Platform, victim: Victim, attackers: Attackers) -> None:
    for credentials in attackers.credentials:
        _attack(case, platform, victim, victim.ids, credentials)


@published("billing", mode="positive").parametrize()
@settings(bounded, max_examples=4)
def test_billing(case: Case, platform: Platform, victim: Victim, attackers: Attackers) -> None:
    for credentials in attackers.credentials:
        answer = _attack(case, platform, victim, victim.ids, credentials)
        if case.method != "GET" and ("{" in case.path or case.path.endswith(("/meters", "/plans"))):
            _refused(case, answer)


async def test_after_all_that_everything_is_as_it_was(platform: Platform, victim: Victim) -> None:
    assert await victim.sees(platform) == victim.before
