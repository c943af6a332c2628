"""Somebody who asks questions in different words, and projects whose policy compares what they mean."""

from dataclasses import dataclass, field
from typing import Any

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.organizations import Org

ASKED = "How do I cancel my subscription?"
SAME = "How can I cancel my current subscription?"
SYSTEM = {"role": "system", "content": "Be kind."}


@dataclass
class Asker:
    """Somebody who asks one question after the other, with a temperature of zero."""

    platform: Platform
    org: Org
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, question: str = ASKED, *, headers: dict[str, str] | None = None, **changes: Any) -> str:
        """What the cache did for a question, and how it found the answer."""
        messages = [SYSTEM, {"role": "user", "content": question}]
        call = {"model": "small", "messages": messages, "temperature": 0, "extra_headers": headers or {}}
        client = self.platform.client(self.org)
        answer = await client.chat.completions.with_raw_response.create(**{**call, **changes})
        self.headers = dict(answer.headers)
        if changes.get("stream"):
            async for _ in answer.parse():
                pass
        return " ".join(filter(None, (answer.headers["x-llmo-cache"], answer.headers.get("x-llmo-cache-match"))))

    @property
    def last(self) -> dict[str, Any]:
        """The last usage event."""
        data: dict[str, Any] = self.platform.usage(self.org)[-1]["data"]
        return data

    async def keys(self, pattern: str) -> list[str]:
        """What Redis has for the organization's semantic cache."""
        found = [name async for name in self.platform.redis.scan_iter(match=f"{{{self.org.org_ref}}}:sem:{pattern}")]
        return [name.decode() if isinstance(name, bytes) else name for name in found]


def semantic(mode: str = "on", **columns: Any) -> dict[str, Any]:
    """What a policy says that compares meanings."""
    return {"cache": "semantic", "semantic_mode": mode, "semantic_embedding_model": "meanings", **columns}


async def compares(set_up: SetUp, mode: str = "on", **columns: Any) -> None:
    """The organization's projects compare meanings from now on."""
    await set_up.policy(**semantic(mode, **columns))
