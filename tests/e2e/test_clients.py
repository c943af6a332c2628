"""Clients of other people's making call the gateway unmodified, told nothing but its address and a key."""

import asyncio
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.platform import Key, Platform, unique

HERE = Path(__file__).parent / "clients"
ENVIRONMENT = Path(__file__).parents[2] / ".tools" / "clients"
SECONDS = 60


async def run(platform: Platform, key: Key, program: str, question: str) -> dict[str, Any]:
    """What a client says it got. Node looks for packages beside the program's real place, so it runs a copy there."""
    script = HERE / program
    command = [ENVIRONMENT / "bin" / "python", script]
    if script.suffix == ".mjs":
        copy = ENVIRONMENT / program
        copy.write_text(script.read_text())
        command = [ENVIRONMENT / "bin" / "node", copy]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={
            "PATH": os.environ["PATH"],
            "OPENAI_BASE_URL": f"{platform.base_url}/v1",
            "OPENAI_API_KEY": key.text,
            "QUESTION": question,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, complaints.decode()
    told: dict[str, Any] = json.loads(said)
    return told


def check(told: dict[str, Any]) -> None:
    """What every client must get."""
    assert told["plain"] == told["streamed"] != ""
    assert told["answered"]
    assert told["tokens"] > 0
    assert told["dimensions"] == 1536


async def test_openais_client_for_node(platform: Platform, key: Key) -> None:
    told = await run(platform, key, "openai_client.mjs", unique())

    check(told)
    assert Decimal(told["cost"]) > 0
    assert (told["unknown"], told["limited"]) == ("invalid_api_key", 429)
    totals = (await platform.usage_of(key, 5))["totals"]
    assert (totals["errors"], totals["cache_hits"]) == (1, 0)
    assert Decimal(totals["cost_usd"]) > 2 * Decimal(told["cost"])


async def test_vercels_ai_sdk(platform: Platform, key: Key) -> None:
    told = await run(platform, key, "ai_sdk.mjs", unique())

    check(told)
    assert told["unknown"] == 404
    assert (await platform.usage_of(key, 4))["totals"]["errors"] == 0


async def test_langchain(platform: Platform, key: Key) -> None:
    told = await run(platform, key, "langchain_client.py", unique())

    check(told)
    assert told["unknown"] == "model_not_found"
    assert (await platform.usage_of(key, 4))["totals"]["errors"] == 0
