"""Measures signing in on a laptop stack of its own: `python -m tests.load.sign_in`. Prints milliseconds.

Over HTTP on 127.0.0.1, one after the other, with everything on: attempts counted, Argon2id, the session's rows, the
signature. The authorizer is asked with tokens that API Gateway's cache does not know; its CPU is that of its process.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import psutil

from auth.sign_in.passwords import Argon2Passwords
from tests.e2e.stack import Stack, own_stack

LOGINS = 80  # fewer than the limit of a minute
REFRESHES = 200
HASHES = 20


async def _timed(count: int, call: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """The median and the 95th percentile of so many calls, in milliseconds."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


class Person:
    """The demo account's owner."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._http = http
        self.access_tokens: list[str] = []
        self._refresh_token = ""

    async def login(self) -> None:
        """Sign in."""
        await self._post("login", {"email": self._stack.demo["email"], "password": self._stack.demo["password"]})

    async def refresh(self) -> None:
        """Use the refresh token."""
        await self._post("refresh", {"refresh_token": self._refresh_token})

    async def who(self) -> None:
        """Ask with a token that nobody asked with before."""
        headers = {"authorization": f"Bearer {self.access_tokens.pop()}"}
        async with self._http.get(f"{self._stack.demo['base_url']}/api/v1/me", headers=headers) as answer:
            answer.raise_for_status()

    async def _post(self, path: str, body: dict[str, str]) -> None:
        async with self._http.post(f"{self._stack.demo['base_url']}/api/v1/auth/{path}", json=body) as answer:
            answer.raise_for_status()
            tokens = await answer.json()
        self.access_tokens.append(tokens["access_token"])
        self._refresh_token = tokens["refresh_token"]


def _cpu(stack: Stack) -> float:
    """CPU seconds of the authorizer's processes until now."""
    total = 0.0
    for process in psutil.process_iter(["cmdline", "cpu_times", "environ"]):
        environment = process.info["environ"] or {}
        own = environment.get("PUBLIC_URL") == stack.demo["base_url"]
        if own and environment.get("POWERTOOLS_SERVICE_NAME") == "authorizer":
            total += process.info["cpu_times"].user + process.info["cpu_times"].system
    return total


async def measure(stack: Stack) -> None:
    """Measure the stack, and print."""
    async with aiohttp.ClientSession() as http:
        person = Person(stack, http)
        await person.login()
        await person.who()
        for name, count, call in (("login", LOGINS, person.login), ("refresh", REFRESHES, person.refresh)):
            median, high = await _timed(count, call)
            print(f"{name + ', p50 and p95':<40} {median:8.1f} {high:8.1f}", flush=True)
        before, count = _cpu(stack), len(person.access_tokens)
        median, high = await _timed(count, person.who)
        print(f"{'GET /me, new token each, p50 and p95':<40} {median:8.1f} {high:8.1f}")
        print(f"{'authorizer, warm (CPU)':<40} {(_cpu(stack) - before) / count * 1000:8.1f}")


def main() -> None:
    """Measure a hash alone, then a stack."""
    passwords = Argon2Passwords()
    began = time.process_time()
    for _ in range(HASHES):
        passwords.hash("correct horse battery staple")
    print(f"{'Argon2id, one hash (CPU)':<40} {(time.process_time() - began) / HASHES * 1000:8.1f}")
    with tempfile.TemporaryDirectory() as folder, own_stack(Path(folder)) as stack:
        asyncio.run(measure(stack))


if __name__ == "__main__":
    main()
