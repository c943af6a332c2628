"""The platform as its users see it: OpenAI's clients, the management API, AWS's own clients, the upstream's journal."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import boto3
import orjson
from botocore.config import Config
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e.stack import Stack

type Json = dict[str, Any]

VISIBLE_SECONDS = 5  # the promise: a call is in the usage reports that soon
_BETWEEN_LOOKS_SECONDS = 0.05


def ask(text: str) -> list[ChatCompletionMessageParam]:
    """A conversation that consists of one question."""
    return [{"role": "user", "content": text}]


def unique(text: str = "Say something nice") -> str:
    """A question that nobody asked before."""
    return f"{text} ({uuid4().hex})"


@dataclass(frozen=True)
class Reply:
    """An answer of the management API."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        content: Json = orjson.loads(self.body)
        return content

    def problem(self) -> Json:
        """The problem document that it must be."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        content = self.json()
        assert content["status"] == self.status, content
        assert {"type", "title", "detail"} <= content.keys(), content
        return content


@dataclass(frozen=True)
class Key:
    """An API key that a test made for itself."""

    id: str
    text: str
    project_id: str


@dataclass
class Platform:
    """A running stack, used with one key for management. Make it inside the tests' event loop."""

    stack: Stack
    http: aiohttp.ClientSession
    api_key: str
    _clients: list[AsyncOpenAI] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return self.stack.demo["base_url"]

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    # ---------------------------------------------------------------- calls to models

    def client(self, api_key: str) -> AsyncOpenAI:
        """OpenAI's own client, as its users have it; it does not retry, so that refusals are seen."""
        client = AsyncOpenAI(base_url=f"{self.base_url}/v1", api_key=api_key, max_retries=0)
        self._clients.append(client)
        return client

    def sync_client(self, api_key: str) -> OpenAI:
        """The same, blocking."""
        return OpenAI(base_url=f"{self.base_url}/v1", api_key=api_key, max_retries=0)

    # ---------------------------------------------------------------- the management API

    async def call(
        self, method: str, path: str, *, api_key: str | None = "", json: object = None, **headers: str
    ) -> Reply:
        """Call a management route with the platform's key, another one, or (None) none."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if api_key is not None:
            sent["authorization"] = f"Bearer {api_key or self.api_key}"
        async with self.http.request(method, f"{self.base_url}{path}", json=json, headers=sent) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def make_key(self, **properties: object) -> Key:
        """A new key: `await make_key(requests_per_minute=1)`."""
        made = await self.call("POST", "/api/v1/api-keys", json={"name": "e2e", **properties})
        assert made.status == 201, made
        body = made.json()
        return Key(body["id"], body["api_key"], body["project_id"])

    async def set_up(self, path: str, **body: object) -> Json:
        """Something of the organization's configuration: `await set_up("routes", name=..., targets=[...])`."""
        made = await self.call("POST", f"/api/v1/{path}", json=body)
        assert made.status == 201, made
        assert made.headers["etag"] == '"1"'
        return made.json()

    async def usage(self, **parameters: str) -> Json:
        """A usage report."""
        url = f"{self.base_url}/api/v1/analytics/usage"
        headers = {"authorization": f"Bearer {self.api_key}"}
        async with self.http.get(url, params=parameters, headers=headers) as answer:
            body: Json = orjson.loads(await answer.read())
            assert answer.status == 200, body
            return body

    async def usage_of(self, key: Key, requests: int, **parameters: str) -> Json:
        """The report on a key once it shows so many calls; fails after five seconds."""
        report: Json = {}
        try:
            async with asyncio.timeout(VISIBLE_SECONDS):
                while (  # noqa: ASYNC110 - reports tell nobody when they change
                    report := await self.usage(key_id=key.id, **parameters)
                )["totals"]["requests"] < requests:
                    await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not {requests} calls within {VISIBLE_SECONDS} s: {report}") from None
        # A report's sums and times to first token are read side by side: those of the first that shows all may differ.
        report = await self.usage(key_id=key.id, **parameters)
        assert report["totals"]["requests"] == requests, report
        return report

    # ---------------------------------------------------------------- behind the scenes

    async def upstream_calls(self, about: str) -> list[Json]:
        """The calls that reached the fake upstream with this text."""
        async with self.http.get(f"{self._fake}/requests", params={"about": about}) as answer:
            return list((await answer.json())["requests"])

    async def upstream_closed(self, about: str) -> None:
        """Return when the gateway has closed its connection for this call; the upstream waits ten seconds at most."""
        async with self.http.get(f"{self._fake}/stats", params={"about": about, "aborted": "1"}):
            pass
        assert [call["outcome"] for call in await self.upstream_calls(about)] == ["aborted"]

    async def invoke(self, function: str, event: Json) -> Json:
        """Invoke a function through Lambda's API."""
        client = self.aws("lambda")
        answer = await asyncio.to_thread(client.invoke, FunctionName=function, Payload=orjson.dumps(event))
        result: Json = orjson.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def aws(self, service: str) -> Any:
        """AWS's own client, on the laptop's stand-in."""
        return boto3.client(
            service,
            endpoint_url=self.stack.addresses["aws_endpoint_url"],
            region_name="eu-west-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"max_attempts": 0}),
        )

    @property
    def _fake(self) -> str:
        return self.stack.addresses["upstream_base_url"].removesuffix("/v1") + "/_fake"
