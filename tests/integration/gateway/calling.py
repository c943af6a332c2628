"""Somebody who calls models through the gateway."""

from typing import Any

from openai.types.chat import ChatCompletion

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import HELLO, Platform


class Caller:
    """Somebody of the organization who makes calls that the cache does not answer."""

    def __init__(self, platform: Platform, set_up: SetUp) -> None:
        self._client = platform.client(set_up.org)
        self._bus, self._org_id = platform.bus, set_up.org.org_id

    async def ask(self, model: str = "route", **changes: Any) -> str | None:
        """Who answers."""
        answer: ChatCompletion = await self._client.chat.completions.create(
            **{"model": model, "messages": HELLO, "extra_headers": {"x-llmo-cache": "no-store"}, **changes}
        )
        return answer.choices[0].message.content

    async def headers(self, model: str = "route", **changes: Any) -> Any:
        """The headers of an answer."""
        raw = await self._client.chat.completions.with_raw_response.create(model=model, messages=HELLO, **changes)
        return raw.headers

    async def stream(self, model: str = "route") -> str:
        """What a stream says."""
        stream = await self._client.chat.completions.create(
            model=model, messages=HELLO, stream=True, extra_headers={"x-llmo-cache": "no-store"}
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    @property
    def last(self) -> dict[str, Any]:
        """The last usage event."""
        data: dict[str, Any] = self._bus.events_of(self._org_id)[-1]["data"]
        return data
