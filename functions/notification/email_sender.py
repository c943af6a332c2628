"""Entry point of the sender of mails: woken up by those that are due, and every minute."""

from notification.delivery.wiring_email import sending, settings
from notification.delivery.worker import Worker
from notification.planning.models import EmailQueued

handler = Worker("EmailsSent", EmailQueued, settings=settings, work=lambda time_left: sending().send_due(time_left))
