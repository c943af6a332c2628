"""Entry point of the sender of text messages: woken up by those that are due, and every minute."""

from notification.delivery.wiring_sms import sending, settings
from notification.delivery.worker import Worker
from notification.planning.models import SmsQueued

handler = Worker("SmsSent", SmsQueued, settings=settings, work=lambda time_left: sending().send_due(time_left))
