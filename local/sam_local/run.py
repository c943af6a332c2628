"""`make sam-local`: every sample through `sam local invoke`, the routes through `sam local start-api`."""

import asyncio
import json
import platform
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from local.process import StartError
from local.progress import Progress
from local.sam_local.backend import backend
from local.sam_local.engine import HOST_NAME, find_engine
from local.sam_local.forwarder import Forwarder
from local.sam_local.routes import Caller, call_routes
from local.sam_local.sam import Sam
from local.sam_local.samples import Sample, samples
from local.sam_local.template import write_local_template
from local.stack import StackSpec

_FIRST = ("MigrateFunction", "RotationFunction", "BootstrapFunction")
_LAST = "AuthApiFunction/revoke-api-key.json"  # the key that every other sample uses
_DEMO_EMAIL = "demo@llmoptimizer.test"


@dataclass(frozen=True, slots=True)
class SamLocalOptions:
    """What to run.

    Attributes:
        template: `template.yaml`.
        build: What `sam build` made of it for this machine.
        events: The samples.
        sam: SAM CLI.
        state: For stores, logs and process ids; emptied of data first.
        flags: Passed on to SAM.
    """

    template: Path
    build: Path
    events: Path
    sam: Path
    state: Path
    flags: Sequence[str]


@dataclass
class Results:
    """Prints each result as it comes, and counts."""

    progress: Progress
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def add(self, name: str, wrong: str | None) -> None:
        """Note a result; the time is that since the one before."""
        seconds, self._began = time.monotonic() - self._began, time.monotonic()
        self.progress.say(f"  {'✗' if wrong else '✓'} {name:<62}{seconds:6.1f} s")
        if wrong:
            self.progress.say(f"      {wrong}")
            self.failed.append(name)
        else:
            self.passed += 1

    def heading(self, text: str) -> None:
        """Begin a part of the table."""
        self.progress.say(f"\n{text}")
        self._began = time.monotonic()


async def sam_local(options: SamLocalOptions) -> int:
    """Run everything, print a table, and answer 0 when all of it is right. SIGTERM ends it in order, as Ctrl-C does."""
    progress = Progress()
    results = Results(progress)
    running = asyncio.ensure_future(_run(options, results))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except StartError as error:
        progress.say(f"\n{error}")
        return 1
    except asyncio.CancelledError:
        progress.say("\nStopped.")
        return 130
    progress.say(f"\n{results.passed} right, {len(results.failed)} wrong, {progress.seconds:.0f} s")
    return 1 if results.failed else 0


async def _run(options: SamLocalOptions, results: Results) -> None:
    engine = await find_engine()
    async with AsyncExitStack() as parts:
        forwarder = await parts.enter_async_context(Forwarder(engine.bridge, HOST_NAME))
        running = backend(options.template, options.state, forwarder, results.progress)
        stack, parameters = await parts.enter_async_context(running)
        parameters = {**parameters, "Architecture": _architecture()}
        template = write_local_template(options.build, stack, parameters)
        sam = Sam(options.sam, template, engine, options.flags, options.state)
        account = await _run_samples(sam, options, stack, results)
        results.heading("sam local start-api")
        server, url = sam.api()
        parts.push_async_callback(server.stop)
        await server.start(lambda: _listens(url), timeout_seconds=60)
        async with aiohttp.ClientSession(url) as session:
            async for called in call_routes(Caller(session, account["api_key"]), account):
                results.add(called.name, called.wrong)


async def _run_samples(sam: Sam, options: SamLocalOptions, stack: StackSpec, results: Results) -> dict[str, str]:
    """Run the samples, those first that make the schema and the samples' account; answer the account of the routes.

    Samples of functions that this stack has not (no collector, no traces) are left out.
    """
    results.heading("sam local invoke")
    ordered = sorted((each for each in samples(options.events) if each.function in stack.functions), key=_order)
    account: dict[str, str] | None = None
    demo: dict[str, str] = {}
    for sample in ordered:
        answer = await sam.invoke(sample.function, sample.of(account) if account else sample.text)
        results.add(sample.name, sample.verdict(answer))
        if sample.function == "BootstrapFunction":
            account = _account(answer)
            demo = _account(await sam.invoke("BootstrapFunction", _demo_account(sample)))
            results.add("BootstrapFunction: the account of the calls below", None)
    return demo


def _order(sample: Sample) -> int:
    if sample.name == _LAST:
        return len(_FIRST) + 1
    return _FIRST.index(sample.function) if sample.function in _FIRST else len(_FIRST)


def _architecture() -> str:
    """What this machine's containers run, in Lambda's words."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def _demo_account(sample: Sample) -> str:
    return json.dumps({**json.loads(sample.text), "email": _DEMO_EMAIL})


def _account(answer: Any) -> dict[str, str]:  # noqa: ANN401 - a function's answer
    if not isinstance(answer, dict) or not answer.get("api_key"):
        raise StartError(f"BootstrapFunction made no account: {answer}")
    return answer


async def _listens(url: str) -> None:
    """Raises OSError while nobody listens."""
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()
