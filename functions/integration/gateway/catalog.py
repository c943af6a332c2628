"""Which models a client may ask for: what the provider offers and a price is known for."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson

from integration.gateway.errors import ModelNotFound, UpstreamBroken
from integration.gateway.models import Patience
from integration.gateway.organization import Organization
from llmo_core.clock import Clock

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

    def __init__(
        self, upstream: Models, *, knows: Callable[[str], bool], clock: Clock, timer: Callable[[], float]
    ) -> None:
        self._upstream = upstream
        self._knows = knows
        self._clock = clock
        self._timer = timer
        self._models: list[dict[str, Any]] = []
        self._fetched = float("-inf")

    async def all(self, organization: Organization) -> dict[str, Any]:
        """OpenAI's list of models. Raises the Upstream errors."""
        own = self._own(organization)
        if self._fetched + _FRESH_SECONDS <= self._timer():
            listed = _list(await self._upstream.models(_PATIENCE))
            self._models = [model for model in listed if self._knows(model["id"])]
            self._fetched = self._timer()
        return {"object": "list", "data": [*own.values(), *(model for model in self._models if model["id"] not in own)]}

    async def one(self, name: str, organization: Organization) -> dict[str, Any]:
        """One model; for an organization's own nobody is asked. Raises ModelNotFound."""
        own: dict[str, Any] | None = self._own(organization).get(name)
        if own is not None:
            return own
        models = (await self.all(organization))["data"]
        found: dict[str, Any] | None = next((model for model in models if model["id"] == name), None)
        if found is None:
            raise ModelNotFound(name)
        return found

    def _own(self, organization: Organization) -> dict[str, dict[str, Any]]:
        """By their names: routes, which come first where a name is both, and models that are not retired."""
        now_ms = self._clock.now().timestamp() * 1000
        models = {
            model.name: model.connection
            for model in organization.models.values()
            if model.retired_at is None or model.retired_at > now_ms
        }
        owners = dict.fromkeys(organization.routes, "route")
        owners |= {name: connection for name, connection in models.items() if name not in owners}
        return {name: {"id": name, "object": "model", "created": 0, "owned_by": by} for name, by in owners.items()}


def _list(raw: bytes) -> list[dict[str, Any]]:
    try:
        data = orjson.loads(raw)["data"]
        return [{**model, "id": str(model["id"])} for model in data]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UpstreamBroken("The model provider's list of models cannot be read.") from error
