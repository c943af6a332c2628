"""Entry point of the sender of push notifications: woken up by those that are due, and every minute."""

from llmo_core.cold_starts import Counting
from notification.delivery.wiring_push import sending, settings
from notification.delivery.worker import Worker
from notification.planning.models import PushQueued

handler = Counting(
    Worker("PushesSent", PushQueued, settings=settings, work=lambda time_left: sending().send_due(time_left))
)
