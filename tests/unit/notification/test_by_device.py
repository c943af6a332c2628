"""Push notifications find what brings them to a device."""

from collections.abc import Sequence

from notification.delivery.by_device import ByDevice
from notification.delivery.ports import Outcome, Outgoing, Refused, Sent
from tests.fakes.outgoing import push


class Brings:
    """A sender that takes everything."""

    batch = 10

    def __init__(self, name: str, *, up: bool = True) -> None:
        self.name = name
        self.up = up
        self.took: list[Outgoing] = []

    def available(self) -> bool:
        return self.up

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
