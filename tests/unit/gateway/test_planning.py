"""Where calls for a name can go, and what a caller is told when that is nowhere."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from integration.choices import Sticky, Strategy
from integration.gateway.destinations import Conditions, Connection, RegisteredModel, Route, RouteTarget
from integration.gateway.endpoints.completions import ChatCompletions
from integration.gateway.errors import ModelNotFound
from integration.gateway.organization import Organization
from integration.gateway.planning import Planner
from integration.gateway.pricing import PriceTable
from integration.provider_kinds import Kind

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLANNER = Planner(PriceTable({}, now=lambda: NOW), now=lambda: NOW)
CHAT = ChatCompletions()


def connection(name: str, kind: Kind) -> Connection:
    url = "https://models.example/v1"
    return Connection(UUID(int=1), UUID(int=2), name, kind, url, None, None, {}, data_key=None, credentials=None)


def unpriced(name: str) -> RegisteredModel:
    return RegisteredModel(name, "v1", "mine", "llama3", (), None, None, None, None, None)


def route(name: str, *models: str) -> Route:
    targets = tuple(RouteTarget(str(number), model, 1, None, Conditions()) for number, model in enumerate(models))
    return Route(name, "v1", Strategy.PRIORITY, Sticky.NONE, 3, 60.0, 30.0, 30.0, targets)


ORGANIZATION = Organization(
    connections={"mine": connection("mine", Kind.OPENAI_COMPATIBLE), "claude": connection("claude", Kind.ANTHROPIC)},
    models={"fast": unpriced("fast")},
    routes={"nowhere": route("nowhere", "mine/gpt-4o", "fast"), "somewhere": route("somewhere", "fast", "gpt-4o")},
)


def refused(name: str) -> str:
    with pytest.raises(ModelNotFound) as refusal:
        PLANNER.plan(ORGANIZATION, CHAT.units, name)
    return str(refusal.value)


@pytest.mark.parametrize("name", ["mine/gpt-4o", "claude/of-tomorrow", "fast"])
def test_a_model_without_a_price_is_told_apart_from_none(name: str) -> None:
    told = refused(name)

    assert told.startswith(f"No price is known for the model `{name}`")
    assert "PUT /api/v1/models/{id}/prices" in told


def test_a_route_that_leads_nowhere_is_not_said_to_be_missing() -> None:
    assert refused("nowhere").startswith("No target of the route `nowhere` can be called here")


def test_a_route_leaves_out_a_target_without_a_price() -> None:
    assert [target.upstream_model for target in PLANNER.plan(ORGANIZATION, CHAT.units, "somewhere").targets] == [
        "gpt-4o"
    ]


def test_a_model_that_nobody_knows_does_not_exist() -> None:
    assert refused("gpt-of-tomorrow") == "The model `gpt-of-tomorrow` does not exist or you do not have access to it."
