"""Looking names up while others' name servers do not answer."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from llmo_core.addresses import Lookups, LookupsBusy

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


class Resolver:
    """The machine's resolver: names that begin with `slow` take until the test ends, or is in a hurry."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.answers.wait()
        return [*FOUND]


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.answers.set()


async def test_slow_name_servers_hold_no_other_name_up(resolver: Resolver) -> None:
    lookups = Lookups(threads=33, getaddrinfo=resolver)
    slow = [asyncio.create_task(lookups.resolve(f"slow{number}.example", 443)) for number in range(32)]
    assert await lookups.resolve("quick.example", 443) == [ip_address("192.0.2.1")]
    assert not any(each.done() for each in slow)
    resolver.answers.set()
    assert await asyncio.gather(*slow) == [[ip_address("192.0.2.1")]] * 32


async def test_the_machines_own_pool_of_threads_is_not_used(resolver: Resolver) -> None:
    lookups = Lookups(threads=64, getaddrinfo=resolver)
    slow = [asyncio.create_task(lookups.resolve("slow.example", 443)) for _ in range(64)]
    assert await asyncio.to_thread(lambda: "done") == "done"
    resolver.answers.set()
    await asyncio.gather(*slow)


async def test_a_name_that_takes_too_long_is_one_without_addresses(resolver: Resolver) -> None:
    lookups = Lookups(threads=1, seconds=0.01, getaddrinfo=resolver)
    with pytest.raises(TimeoutError, match=r"slow\.example is not resolved in time") as raised:
        await lookups.resolve("slow.example", 443)
    assert raised.value.errno is not None  # or aiohttp takes it for a receiver that does not answer


async def test_a_name_whose_turn_does_not_come_is_not_asked_for(resolver: Resolver) -> None:
    lookups = Lookups(threads=1, seconds=0.01, getaddrinfo=resolver)
    with pytest.raises(TimeoutError):
        await lookups.resolve("slow.example", 443)
    with pytest.raises(LookupsBusy):
        await lookups.resolve("quick.example", 443)
    resolver.answers.set()
    patient = Lookups(threads=1, getaddrinfo=resolver)
    await patient.resolve("other.example", 443)
    assert resolver.asked == ["slow.example", "other.example"]


async def test_a_name_that_is_unknown_has_no_address() -> None:
    def unknown(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(socket.gaierror):
        await Lookups(threads=1, getaddrinfo=unknown).resolve("nowhere.example", 443)


async def test_an_address_of_this_machine_needs_no_name_server() -> None:
    assert ip_address("127.0.0.1") in await Lookups(threads=1).resolve("127.0.0.1", 443)


@pytest.mark.parametrize("host", ["provider..example", ".example", f"{'a' * 64}.example"])
async def test_what_is_no_name_is_one_without_addresses(host: str) -> None:
    with pytest.raises(OSError, match="is no name"):
        await Lookups(threads=1).resolve(host, 443)
