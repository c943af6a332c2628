"""The container engine that `sam local` uses."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from local.process import StartError

HOST_NAME = "host.docker.internal"
"""What containers call this machine."""

_DEFAULT_SOCKET = Path("/var/run/docker.sock")
_HOW_TO_GET_ONE = """`sam local` runs functions in containers, and there is no container engine here.
  Docker:  https://docs.docker.com/engine/install/ (Docker Desktop on macOS and Windows), then start it.
  Podman:  `podman system service --time=0 unix:///tmp/podman.sock &`, then
           `export DOCKER_HOST=unix:///tmp/podman.sock`.
Everything else of the platform runs without one: `make dev`, `make test`."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine.

    Attributes:
        docker_host: Its address, as DOCKER_HOST.
        bridge: This machine's address on the containers' network; None when HOST_NAME leads to 127.0.0.1 by itself.
    """

    docker_host: str
    bridge: str | None

    @property
    def sam_options(self) -> list[str]:
        """What SAM must be told, so that containers find this machine."""
        return ["--add-host", f"{HOST_NAME}:{self.bridge}"] if self.bridge else []


async def find_engine(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Engine:
    """The engine of DOCKER_HOST, else Docker's. Raises StartError that says how to get one."""
    docker_host = environment.get("DOCKER_HOST") or f"unix://{_DEFAULT_SOCKET}"
    scheme, _, address = docker_host.partition("://")
    if scheme not in {"unix", "tcp"}:
        raise StartError(f"DOCKER_HOST must begin with unix:// or tcp://, it is {docker_host}.")
    connector = aiohttp.UnixConnector(address) if scheme == "unix" else aiohttp.TCPConnector()
    base = "http://engine" if scheme == "unix" else f"http://{address}"
    try:
        async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:
            async with session.get(f"{base}/info") as answer:
                info = await answer.json()
            async with session.get(f"{base}/networks") as answer:
                networks = await answer.json()
    except (aiohttp.ClientError, OSError) as error:
        raise StartError(f"{_HOW_TO_GET_ONE}\n({docker_host}: {error})") from error
    return Engine(docker_host, None if _is_desktop(info, platform) else _bridge(networks))


def _is_desktop(info: Mapping[str, str], platform: str) -> bool:
    """Whether containers live in a virtual machine, whose engine leads HOST_NAME to this machine's 127.0.0.1."""
    return platform != "linux" or "Docker Desktop" in info.get("OperatingSystem", "")


def _bridge(networks: list[dict[str, Any]]) -> str:
    """The gateway of the network that containers join by default; podman's API calls it `bridge`, too."""
    for network in networks:
        if network["Name"] in ("bridge", "podman"):
            for config in network["IPAM"]["Config"] or []:
                if gateway := config.get("Gateway"):
                    return str(gateway)
    raise StartError("The container engine has no bridge network, over which functions could reach the stores.")
