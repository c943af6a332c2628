"""Which models a client may ask for: what the provider offers and a price is known for."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import orjson

from integration.gateway.errors import ModelNotFound, UpstreamBroken
from integration.gateway.models import Patience
from integration.gateway.organization import Organization

_FRESH_SECONDS: Final = 60.0
_PATIENCE: Final = Patience(first_byte=30.0, between_chunks=30.0)


class Models(Protocol):
    """A provider's list of models."""

    async def models(self, patience: Patience) -> bytes:
        """The provider's own answer to `GET /models`."""
        ...


class ModelCatalog:
    """The list of models: those of the deployment's provider, asked at most once a minute, and an organization's own.

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

    async def all(self, organization: Organization) -> dict[str, Any]:
        """OpenAI's list of models. Raises the Upstream errors."""
        own = list(_own(organization))
        if self._fetched + _FRESH_SECONDS <= self._timer():
            listed = _list(await self._upstream.models(_PATIENCE))
            self._models = [model for model in listed if self._knows(model["id"])]
            self._fetched = self._timer()
        hidden = {model["id"] for model in own}
        return {"object": "list", "data": [*own, *(model for model in self._models if model["id"] not in hidden)]}

    async def one(self, name: str, organization: Organization) -> dict[str, Any]:
        """One model; raises ModelNotFound."""
        models = (await self.all(organization))["data"]
        found: dict[str, Any] | None = next((model for model in models if model["id"] == name), None)
        if found is None:
            raise ModelNotFound(name)
        return found


def _own(organization: Organization) -> Iterator[dict[str, Any]]:
    for route in organization.routes.values():
        yield {"id": route.name, "object": "model", "created": 0, "owned_by": "route"}
    for model in organization.models.values():
        yield {"id": model.name, "object": "model", "created": 0, "owned_by": model.connection}


def _list(raw: bytes) -> list[dict[str, Any]]:
    try:
        data = orjson.loads(raw)["data"]
        return [{**model, "id": str(model["id"])} for model in data]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UpstreamBroken("The model provider's list of models cannot be read.") from error
