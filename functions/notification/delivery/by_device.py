"""Push notifications by what brings them to a device: a browser's goes by Web Push, an app's by Firebase."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from notification.delivery.ports import Outcome, Outgoing, Refused, Senders

_NOBODY: Final = Refused("Nothing brings notifications to this device here.")


class ByDevice:
    """Senders of push notifications as one.

    Args:
        senders: By the kind of device.
    """

    name = "push"

    def __init__(self, senders: Mapping[str, Senders]) -> None:
        self._senders = senders
        self.batch = max((sender.batch for sender in senders.values()), default=1)

    def available(self) -> bool:
        """Whether any of them can be asked now."""
        return not self._senders or any(sender.available() for sender in self._senders.values())

    def room(self) -> int | None:
        """How many they take within a second, whatever they are for; None for as many as there are."""
        return min((room for sender in self._senders.values() if (room := sender.room()) is not None), default=None)

    async def ready(self, until: datetime) -> bool:
        """Wait until any of them can be asked, if that is before this moment, and nothing but a rate is against it."""
        if self.available():
            return True
        waits = {asyncio.ensure_future(sender.ready(until)) for sender in self._senders.values()}
        ready = False
        while waits and not ready:
            done, waits = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            ready = any(each.result() for each in done)
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return ready

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand notifications over; one outcome for each, in their order."""
        of_kind: defaultdict[str, list[int]] = defaultdict(list)
        for place, message in enumerate(messages):
            of_kind[_kind(message.address)].append(place)
        outcomes: list[Outcome] = [_NOBODY] * len(messages)

        async def send(sender: Senders, places: Sequence[int]) -> None:
            came = await sender.send([messages[place] for place in places])
            for place, outcome in zip(places, came, strict=True):
                outcomes[place] = outcome

        known = {kind: places for kind, places in of_kind.items() if kind in self._senders}
        await asyncio.gather(*(send(self._senders[kind], places) for kind, places in known.items()))
        return outcomes

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(sender.close() for sender in self._senders.values()))


def _kind(address: str) -> str:
    try:
        device = json.loads(address)
    except ValueError:
        return ""
    return str(device.get("kind")) if isinstance(device, dict) else ""
