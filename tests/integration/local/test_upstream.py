"""The fake upstream, started as the laptop stack does it."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from local.upstream import choose_upstream


async def test_a_provider_that_was_set_up_with_the_fake_is_reached_after_a_restart(tmp_path: Path) -> None:
    assert await _address(tmp_path) == await _address(tmp_path)


async def test_the_fake_goes_elsewhere_when_somebody_took_its_port(tmp_path: Path) -> None:
    port = urlsplit(await _address(tmp_path)).port
    with socket.create_server(("127.0.0.1", port or 0)):
        assert urlsplit(await _address(tmp_path)).port != port


async def _address(state: Path) -> str:
    upstream = choose_upstream("fake", state, {})
    try:
        return (await upstream.start()).base_url
    finally:
        await upstream.stop()
