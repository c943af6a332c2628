"""The demo account, the addresses that functions are given, and the choice of the upstream."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from local.addresses import StoreAddresses, secret_values, template_parameters
from local.demo import DemoAccount
from local.messaging_vendors import MessagingAddress
from local.payments import StripeAddress
from local.process import StartError
from local.upstream import UpstreamAddress, choose_upstream


class Platform:
    """Opens accounts and accepts keys, as the functions do."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.opened = 0

    async def invoke(self, _function: str, event: dict[str, Any]) -> Any:
        known = event["email"] in self.keys
        if not known:
            self.opened += 1
            self.keys[event["email"]] = f"llmo_key_{self.opened}"
        key = None if known else self.keys[event["email"]]
        return {"org_id": "o", "project_id": "p", "user_id": "u", "api_key": key}

    async def models(self, request: web.Request) -> web.Response:
        known = request.headers["Authorization"].removeprefix("Bearer ") in self.keys.values()
        return web.Response(status=200 if known else 401)


async def ensured(platform: Platform, path: Path) -> dict[str, str]:
    app = web.Application()
    app.router.add_get("/v1/models", platform.models)
    async with TestServer(app) as server:
        base_url = str(server.make_url("")).rstrip("/")
        demo = await DemoAccount(path, base_url, platform.invoke).ensure()
    assert demo.openai_base_url == f"{base_url}/v1"
    return read(path)


def read(path: Path) -> dict[str, str]:
    content: dict[str, str] = json.loads(path.read_text())
    return content


async def test_the_demo_key_stays_while_it_is_accepted(tmp_path: Path) -> None:
    platform = Platform()
    first = await ensured(platform, tmp_path / "demo.json")
    second = await ensured(platform, tmp_path / "demo.json")
    assert (first["api_key"], platform.opened) == (second["api_key"], 1)
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600


async def test_an_emptied_database_gets_the_same_account_with_a_new_key(tmp_path: Path) -> None:
    first = await ensured(Platform(), tmp_path / "demo.json")
    (emptied := Platform()).opened = 7
    second = await ensured(emptied, tmp_path / "demo.json")
    assert (first["email"], first["password"]) == (second["email"], second["password"])
    assert first["api_key"] != second["api_key"] in emptied.keys.values()


async def test_a_lost_file_beside_a_kept_database_gets_an_account_of_its_own(tmp_path: Path) -> None:
    platform = Platform()
    first = await ensured(platform, tmp_path / "demo.json")
    (tmp_path / "demo.json").unlink()
    second = await ensured(platform, tmp_path / "demo.json")
    assert first["email"] != second["email"]
    assert second["api_key"] in platform.keys.values()


def parameters(postgres: str, **environment: str) -> dict[str, str]:
    stores = StoreAddresses(postgres, "redis://r", "mongodb://m")
    return template_parameters(
        stores,
        UpstreamAddress("http://u/v1", "k"),
        StripeAddress(),
        MessagingAddress(),
        public_url="http://127.0.0.1:8080",
        environment=environment,
    )


def test_a_database_url_becomes_the_templates_parameters() -> None:
    url = "postgresql://own%40er:p%2Fw@db.example:6543/my%20db?sslmode=verify-full"
    made = parameters(url)
    assert (made["DatabaseHost"], made["DatabasePort"]) == ("db.example", "6543")
    assert (made["DatabaseName"], made["DatabaseOwner"]) == ("my db", "own@er")
    assert made["DatabaseSslMode"] == "verify-full"
    assert secret_values(StoreAddresses(url, "", "")) == {"OwnerDatabasePasswordSecret": "p/w"}


def test_an_organization_that_the_environment_names_operates_the_laptop_stack() -> None:
    url = "postgresql://owner:p@db.example:6543/llmo"
    org_id = "01980a5e-7c00-7000-8000-000000000001"
    assert parameters(url, OPERATOR_ORG_ID=org_id)["OperatorOrgId"] == org_id
    assert parameters(url)["OperatorOrgId"] == ""  # until there is a demo organization


@pytest.mark.parametrize("url", ["postgresql:///llmo", "postgresql://host/llmo", "postgresql://me@host"])
def test_an_incomplete_database_url_is_refused_with_the_shape_it_needs(url: str) -> None:
    with pytest.raises(StartError, match="postgresql://owner:password@host"):
        parameters(url)


async def test_openai_stands_behind_the_gateway_when_the_environment_knows_it(tmp_path: Path) -> None:
    address = await choose_upstream(None, tmp_path, {"OPENAI_API_KEY": "sk"}).start()
    assert (address.base_url, address.api_key) == ("https://api.openai.com/v1", "sk")
    own = await choose_upstream(None, tmp_path, {"OPENAI_BASE_URL": "http://mine/v1/"}).start()
    assert own.base_url == "http://mine/v1"


def test_the_fake_stands_there_otherwise_and_when_it_is_named(tmp_path: Path) -> None:
    assert "fake" in choose_upstream(None, tmp_path, {}).kind
    assert "fake" in choose_upstream("fake", tmp_path, {"OPENAI_API_KEY": "sk"}).kind


async def test_openai_without_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="OPENAI_API_KEY"):
        await choose_upstream("openai", tmp_path, {}).start()
