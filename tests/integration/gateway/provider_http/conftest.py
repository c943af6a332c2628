"""Each test here runs on both loops: the product runs on uvloop, whose transports are not asyncio's."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

type NewLoop = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, NewLoop]:  # noqa: ARG001 - pytest-asyncio gives both
    """The loops; see https://pytest-asyncio.readthedocs.io/en/stable/reference/hooks.html."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def _asyncio_loop_factory(request: pytest.FixtureRequest) -> NewLoop:
    """pytest-asyncio's own is the whole session's: stores that are used beside would be started anew with each loop."""
    factory: NewLoop = request.param
    return factory
