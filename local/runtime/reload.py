"""Telling which functions a change in the source tree concerns."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

import watchfiles

from local.stack import FunctionSpec

logger = logging.getLogger(__name__)


def affected_functions(changed: Iterable[Path], functions: Mapping[str, FunctionSpec]) -> set[str]:
    """Name the functions whose own code or whose layers hold one of the changed files."""
    paths = [path.resolve() for path in changed]
    return {
        name
        for name, spec in functions.items()
        if any(path.is_relative_to(root) for root in _sources(spec) for path in paths)
    }


async def watch_sources(functions: Mapping[str, FunctionSpec], stop: asyncio.Event) -> AsyncIterator[set[str]]:
    """Yield the affected functions after each change on disk, until `stop` is set."""
    roots = {root for spec in functions.values() for root in _sources(spec) if root.exists()}
    async for changes in watchfiles.awatch(*roots, stop_event=stop, step=20, debounce=400):
        affected = affected_functions((Path(path) for _, path in changes), functions)
        if affected:
            logger.info("code changed, restarting %s", ", ".join(sorted(affected)))
            yield affected


def _sources(spec: FunctionSpec) -> tuple[Path, ...]:
    return (spec.code_uri.resolve(), *(path.resolve() for path in spec.layer_paths))
