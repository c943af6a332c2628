"""The smoke tests of deployments, against the laptop stack: they pass where everything works."""

import asyncio
import os
import sys

from tests.e2e.platform import Platform
from tests.e2e.stack import ROOT


async def _smoke(**told: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "SMOKE_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/smoke"),
        cwd=ROOT,
        env={**kept, **told},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_the_smoke_tests_pass_against_the_laptop_stack(platform: Platform) -> None:
    demo = platform.stack.demo
    account = {"SMOKE_EMAIL": demo["email"], "SMOKE_PASSWORD": demo["password"]}

    status, said = await _smoke(SMOKE_BASE_URL=demo["base_url"], SMOKE_API_KEY=demo["api_key"], **account)

    assert status == 0, said
    assert "skipped" not in said


async def test_they_fail_where_the_key_is_none(platform: Platform) -> None:
    status, said = await _smoke(SMOKE_BASE_URL=platform.base_url, SMOKE_API_KEY="sk-llmo-nobodys")

    assert status == 1, said
    assert "test_a_plain_and_a_streamed_answer_arrive_and_are_reported" in said
