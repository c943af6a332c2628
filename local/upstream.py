"""What stands behind the gateway: OpenAI, a small model on this laptop, or the fake."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import aiohttp

from local.process import ServerProcess, StartError, end_leftover, kept_port
from local.vendors.smollm2 import SmolLm2

type UpstreamName = Literal["fake", "openai", "smollm2"]

UPSTREAMS: tuple[UpstreamName, ...] = ("fake", "openai", "smollm2")


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """How the gateway reaches its upstream.

    Attributes:
        base_url: With `/v1`.
        api_key: The bearer token.
        model: A model to show in the banner's snippets.
        model_prices: For the gateway's MODEL_PRICES, JSON.
    """

    base_url: str
    api_key: str
    model: str = "gpt-4o-mini"
    model_prices: str = "{}"


class Upstream(Protocol):
    """Something OpenAI-compatible that is reachable between `start` and `stop`."""

    @property
    def kind(self) -> str:
        """What it is, in the words of the banner."""
        ...

    async def start(self) -> UpstreamAddress:
        """Its address, once it answers. Raises StartError."""
        ...

    async def stop(self) -> None:
        """Stop what `start` started. Safe to repeat."""
        ...


def choose_upstream(name: UpstreamName | None, state: Path, environment: Mapping[str, str] = os.environ) -> Upstream:
    """The upstream that was named, else OpenAI when the environment knows it, else the fake.

    Args:
        name: None lets OPENAI_API_KEY and OPENAI_BASE_URL decide.
        state: The stack's state folder, `.local`.
        environment: Where those variables are looked up.
    """
    if name == "smollm2":
        return _SmolLm2Upstream(state)
    if name == "openai" or (name is None and (environment.keys() & {"OPENAI_API_KEY", "OPENAI_BASE_URL"})):
        return _NamedUpstream(environment)
    return _FakeUpstream(state)


class _NamedUpstream:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._base_url = environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        self.kind = f"{self._base_url} (your key: calls cost money)"

    async def start(self) -> UpstreamAddress:
        key = self._environment.get("OPENAI_API_KEY")
        if not key and "OPENAI_BASE_URL" not in self._environment:
            raise StartError("The upstream is OpenAI, and OPENAI_API_KEY is not set.")
        prices = self._environment.get("MODEL_PRICES", "{}")
        return UpstreamAddress(self._base_url.rstrip("/"), key or "none", model_prices=prices)

    async def stop(self) -> None:
        """Nothing was started."""


class _FakeUpstream:
    kind = "fake (deterministic text, no cost; UPSTREAM=smollm2 for a real small model)"

    def __init__(self, state: Path) -> None:
        self._state = state
        self._server: ServerProcess | None = None

    async def start(self) -> UpstreamAddress:
        pid_file = self._state / "run" / "upstream.pid"
        await end_leftover(pid_file)  # of a run that was killed: it has the port
        port = kept_port(self._state / "upstream.port")
        self._server = ServerProcess(
            "The fake upstream",
            [sys.executable, "-m", "local.vendors.openai_upstream", "--port", str(port)],
            log=self._state / "logs" / "upstream.log",
            pid_file=pid_file,
        )
        root = f"http://127.0.0.1:{port}"
        await self._server.start(lambda: answers(f"{root}/_fake/stats"))
        return UpstreamAddress(f"{root}/v1", "fake-upstream-key")

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()


class _SmolLm2Upstream:
    kind = "SmolLM2 135M on this laptop"

    def __init__(self, state: Path) -> None:
        self._model = SmolLm2(state)

    async def start(self) -> UpstreamAddress:
        base_url = await self._model.start()
        return UpstreamAddress(base_url, "none", model="smollm2", model_prices=SmolLm2.model_prices)

    async def stop(self) -> None:
        await self._model.stop()


async def answers(url: str) -> None:
    """Return when a GET succeeds. Raises aiohttp.ClientError."""
    async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(url):
        pass
