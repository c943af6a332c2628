"""Entry point of the sender of text messages: woken up by those that are due, and every minute."""

from llmo_core.cold_starts import Counting
from notification.delivery.wiring_sms import sending, settings
from notification.delivery.worker import Worker
from notification.planning.models import SmsQueued

handler = Counting(
    Worker("SmsSent", SmsQueued, settings=settings, work=lambda time_left: sending().send_due(time_left))
)
