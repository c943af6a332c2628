"""The demo account of the laptop stack, and `.local/demo.json`, which says how to use it."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from local.aws.secrets import write_private
from local.process import StartError

type Invoke = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Invokes a function by logical id and gives its result; raises StartError when the function fails."""

_BOOTSTRAP = "BootstrapFunction"


@dataclass(frozen=True, slots=True)
class Demo:
    """What `.local/demo.json` holds."""

    base_url: str
    openai_base_url: str
    org_id: str
    project_id: str
    email: str
    password: str
    api_key: str


class DemoAccount:
    """Makes the demo account once, and keeps its file true.

    Args:
        path: `.local/demo.json`.
        base_url: The front door.
        invoke: Reaches the functions.
    """

    def __init__(self, path: Path, base_url: str, invoke: Invoke) -> None:
        self._path = path
        self._base_url = base_url
        self._invoke = invoke

    async def ensure(self) -> Demo:
        """The demo account: the one in the file while its key is accepted, else a new one. Raises StartError."""
        known = self._known()
        if known is not None and await self._accepted(known.api_key):
            demo = replace(known, **self._urls())
        else:
            demo = await self._create(known)
        write_private(self._path, asdict(demo))
        return demo

    def _known(self) -> Demo | None:
        try:
            return Demo(**json.loads(self._path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    async def _accepted(self, api_key: str) -> bool:
        url, headers = f"{self._base_url}/v1/models", {"Authorization": f"Bearer {api_key}"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise StartError(f"GET {url} answers {answer.status}: {await answer.text()}")
            return answer.status == HTTPStatus.OK

    async def _create(self, known: Demo | None) -> Demo:
        """Open an account; an address that has one already, whose key nobody knows any more, is left alone."""
        password = known.password if known else secrets.token_urlsafe(18)
        for email in ("demo@llmoptimizer.test", f"demo-{secrets.token_hex(3)}@llmoptimizer.test"):
            request = {"organization": "Demo", "project": "Default", "email": email, "password": password}
            made = await self._invoke(_BOOTSTRAP, request)
            if made["api_key"]:
                return Demo(
                    **self._urls(),
                    org_id=made["org_id"],
                    project_id=made["project_id"],
                    email=email,
                    password=password,
                    api_key=made["api_key"],
                )
        raise StartError(f"{_BOOTSTRAP} gave no API key; `make dev RESET=1` starts clean.")

    def _urls(self) -> dict[str, str]:
        return {"base_url": self._base_url, "openai_base_url": f"{self._base_url}/v1"}
