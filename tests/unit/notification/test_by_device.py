"""Push notifications find what brings them to a device."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from notification.delivery.by_device import ByDevice
from notification.delivery.ports import Outcome, Outgoing, Refused, Sent
from tests.clocks import NOON
from tests.fakes.outgoing import push


class Brings:
    """A sender that takes everything."""

    batch = 10

    def __init__(self, name: str, *, up: bool = True, room: int | None = None, comes_back: bool = False) -> None:
        self.name = name
        self.up = up
        self.comes_back = comes_back
        self._room = room
        self.took: list[Outgoing] = []

    def available(self) -> bool:
        return self.up

    def room(self) -> int | None:
        return self._room

    async def ready(self, _until: datetime) -> bool:
        await asyncio.sleep(0)
        if self.up or self.comes_back:
            return True
        if self._room is not None:
            await asyncio.Event().wait()  # as who gets its token much later
        return False

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.took += messages
        return [Sent(self.name) for _ in messages]

    async def close(self) -> None:
        """Nothing is open."""


async def test_each_goes_by_its_kind_of_device_and_outcomes_keep_their_order() -> None:
    browsers, apps = Brings("web_push"), Brings("fcm")
    both = ByDevice({"web_push": browsers, "fcm": apps})
    messages = [push({"kind": "fcm"}), push({"kind": "pager"}), push({"kind": "web_push"}), push("?")]
    outcomes = await both.send(messages)
    assert outcomes[0] == Sent("fcm")
    assert outcomes[2] == Sent("web_push")
    assert isinstance(outcomes[1], Refused)
    assert isinstance(outcomes[3], Refused)
    assert browsers.took == [messages[2]]
    assert apps.took == [messages[0]]


def test_something_is_available_while_any_is() -> None:
    assert ByDevice({"web_push": Brings("web_push"), "fcm": Brings("fcm", up=False)}).available()
    assert not ByDevice({"fcm": Brings("fcm", up=False)}).available()
    assert ByDevice({}).available()  # to say that nobody brings anything


async def test_it_is_ready_once_any_is() -> None:
    slow, quick = Brings("web_push", up=False, room=1), Brings("fcm", up=False, comes_back=True)
    async with asyncio.timeout(5):
        assert await ByDevice({"web_push": slow, "fcm": quick}).ready(NOON)
    assert await ByDevice({"web_push": Brings("web_push"), "fcm": slow}).ready(NOON)
    assert not await ByDevice({"web_push": Brings("web_push", up=False)}).ready(NOON)
    assert await ByDevice({}).ready(NOON)


def test_a_round_is_no_larger_than_the_slowest_takes_in_a_second() -> None:
    assert ByDevice({"web_push": Brings("web_push"), "fcm": Brings("fcm", room=5)}).room() == 5
    assert ByDevice({"web_push": Brings("web_push")}).room() is None
