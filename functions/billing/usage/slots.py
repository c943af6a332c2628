"""Slots: the quarters of an hour, in UTC, that usage is counted by.

Offsets of time zones are multiples of a quarter of an hour, whatever their clocks do: each midnight begins a slot, so
slots add up to days and to periods everywhere. Before about 1970 some zones had other offsets.
"""

from datetime import datetime, timedelta
from typing import Final

from llmo_core.errors import Invalid

SLOT: Final = timedelta(minutes=15)
_MINUTES: Final = 15


class BetweenSlots(Invalid):
    """What is counted by quarters of an hour cannot be split between them."""


def slot_of(moment: datetime) -> datetime:
    """When the slot of a moment in UTC begins."""
    return moment.replace(minute=moment.minute - moment.minute % _MINUTES, second=0, microsecond=0)


def require_boundary(moment: datetime) -> None:
    """Raise BetweenSlots unless a slot begins at a moment in UTC."""
    if slot_of(moment) != moment:
        raise BetweenSlots
