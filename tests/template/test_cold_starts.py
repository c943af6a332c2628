"""Every function says that it started cold."""

import subprocess
import sys
from importlib import import_module

from llmo_core.cold_starts import Counting
from local.stack import StackSpec

WEB = {
    "GatewayFunction": "integration.gateway.app",
    "LiveFunction": "integration.live.app",
    "AnalyticsLiveFunction": "analytics.live.app",
    "InboxLiveFunction": "notification.live.app",
}


def test_every_handler_counts_the_cold_start_of_its_process(stack: StackSpec) -> None:
    for spec in stack.functions.values():
        if not spec.web_adapter:
            module, _, name = spec.handler.rpartition(".")
            assert isinstance(getattr(import_module(module), name), Counting), spec.logical_id


def test_every_server_behind_the_web_adapter_counts_it_too(stack: StackSpec) -> None:
    assert {name for name, spec in stack.functions.items() if spec.web_adapter} == WEB.keys()
    for module in WEB.values():
        assert "llmo_core.cold_starts" in _imported_by(module), module


def _imported_by(module: str) -> str:
    listing = f"import sys; import {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout
