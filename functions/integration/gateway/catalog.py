"""Which models a client may ask for: what the provider offers and a price is known for."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson

from integration.gateway.errors import ModelNotFound, UpstreamBroken

_FRESH_SECONDS: Final = 60.0


class Models(Protocol):
    """A provider's list of models."""

    async def models(self) -> bytes:
        """The provider's own answer to `GET /models`."""
        ...


class ModelCatalog:
    """The list of models, asked of the provider at most once a minute.

    Args:
        knows: Whether a model has a price.
        timer: Monotonic seconds.
    """

    def __init__(self, upstream: Models, *, knows: Callable[[str], bool], timer: Callable[[], float]) -> None:
        self._upstream = upstream
        self._knows = knows
        self._timer = timer
        self._models: list[dict[str, Any]] = []
        self._fetched = float("-inf")

    async def all(self) -> dict[str, Any]:
        """OpenAI's list of models. Raises the Upstream errors."""
        if self._fetched + _FRESH_SECONDS <= self._timer():
            self._models = [model for model in _list(await self._upstream.models()) if self._knows(model["id"])]
            self._fetched = self._timer()
        return {"object": "list", "data": self._models}

    async def one(self, name: str) -> dict[str, Any]:
        """One model; raises ModelNotFound."""
        models = (await self.all())["data"]
        found: dict[str, Any] | None = next((model for model in models if model["id"] == name), None)
        if found is None:
            raise ModelNotFound(name)
        return found


def _list(raw: bytes) -> list[dict[str, Any]]:
    try:
        data = orjson.loads(raw)["data"]
        return [{**model, "id": str(model["id"])} for model in data]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UpstreamBroken("The model provider's list of models cannot be read.") from error
