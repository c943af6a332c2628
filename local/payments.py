"""Who takes payments on this laptop: a stand-in for Stripe, or Stripe itself in its test mode."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local.process import ServerProcess, StartError, end_leftover, kept_port
from local.upstream import answers

STANDIN_SECRET = "whsec_of_the_laptops_stand_in"  # noqa: S105 - it signs what this machine tells itself


@dataclass(frozen=True, slots=True)
class StripeAddress:
    """How billing reaches Stripe; without an `api_key` there are no payments.

    Attributes:
        base_url: Where its API is; empty for Stripe's own.
        webhook_secrets: A JSON list.
        portal: As the template's StripePortal.
    """

    base_url: str = ""
    api_key: str = "unset"
    publishable_key: str = ""
    webhook_secrets: str = "[]"
    portal: str = ""


class Stripe(Protocol):
    """Stripe, reachable between `start` and `stop`."""

    @property
    def kind(self) -> str:
        """What it is, in the words of the banner."""
        ...

    async def start(self) -> StripeAddress:
        """Its address, once it answers. Raises StartError."""
        ...

    async def stop(self) -> None:
        """Stop what `start` started. Safe to repeat."""
        ...


def choose_stripe(state: Path, webhook_url: str, environment: Mapping[str, str] = os.environ) -> Stripe:
    """Stripe when the environment has a key of its, else the stand-in.

    Args:
        state: The stack's state folder, `.local`.
        webhook_url: Where the stand-in tells of events; Stripe itself does by `stripe listen`.
        environment: Where `STRIPE_API_KEY` is looked up.
    """
    return _Own(environment) if environment.get("STRIPE_API_KEY") else _StandIn(state, webhook_url)


class _Own:
    kind = "Stripe with your key"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def start(self) -> StripeAddress:
        key = self._environment["STRIPE_API_KEY"]
        if "_live_" in key:
            raise StartError("STRIPE_API_KEY is a live key: a laptop charges nobody. Take one of Stripe's test mode.")
        return StripeAddress(
            api_key=key,
            publishable_key=self._environment.get("STRIPE_PUBLISHABLE_KEY", ""),
            webhook_secrets=self._environment.get("STRIPE_WEBHOOK_SECRETS") or "[]",
            portal=self._environment.get("STRIPE_PORTAL", ""),
        )

    async def stop(self) -> None:
        """Nothing was started."""


class _StandIn:
    kind = "stand-in (no money moves; STRIPE_API_KEY=sk_test_... for Stripe's test mode)"

    def __init__(self, state: Path, webhook_url: str) -> None:
        self._state = state
        self._webhook_url = webhook_url
        self._server: ServerProcess | None = None

    async def start(self) -> StripeAddress:
        pid_file = self._state / "run" / "stripe.pid"
        await end_leftover(pid_file)  # of a run that was killed: it has the port
        port = kept_port(self._state / "stripe.port")
        file = self._state / "stripe.json"
        program = [sys.executable, "-m", "local.vendors.stripe_api", "--port", str(port), "--file", str(file)]
        self._server = ServerProcess(
            "The Stripe stand-in",
            [*program, "--webhook-url", self._webhook_url, "--webhook-secret", STANDIN_SECRET],
            log=self._state / "logs" / "stripe.log",
            pid_file=pid_file,
        )
        base_url = f"http://127.0.0.1:{port}"
        await self._server.start(lambda: answers(f"{base_url}/_fake/events"))
        secrets = f'["{STANDIN_SECRET}"]'
        return StripeAddress(base_url, "sk_test_standin", "pk_test_standin", secrets, "default")

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()
