"""Entry point of the sender of mails: woken up by those that are due, and every minute."""

from llmo_core.cold_starts import Counting
from notification.delivery.wiring_email import sending, settings
from notification.delivery.worker import Worker
from notification.planning.models import EmailQueued

handler = Counting(
    Worker("EmailsSent", EmailQueued, settings=settings, work=lambda time_left: sending().send_due(time_left))
)
