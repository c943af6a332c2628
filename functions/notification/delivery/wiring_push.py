"""The senders of push notifications with their providers, made once per process at the first use."""

from urllib.parse import urlsplit

from llmo_core.clock import SystemClock
from notification.delivery.by_device import ByDevice
from notification.delivery.ports import Senders
from notification.delivery.sending import Sending
from notification.delivery.settings import PushSettings
from notification.delivery.wiring import first_of, once, sending_by, unset
from notification.kinds.models import Channel
from notification.providers.fcm import Fcm
from notification.providers.web_push import WebPush


@once
def settings() -> PushSettings:
    """What the sender is told by its environment."""
    return PushSettings.model_validate({})


@once
def sending() -> Sending:
    """What sends push notifications."""
    return sending_by(Channel.PUSH, ByDevice(_senders()), settings)


def _senders() -> dict[str, Senders]:
    """Who brings them to which kind of device, as far as the deployment has an account."""
    told, clock, senders = settings(), SystemClock(), dict[str, Senders]()
    if key := unset(told.vapid_private_key_secret):
        allow_private = told.allow_private_providers
        senders["web_push"] = first_of(
            [WebPush(key, contact=_contact(), clock=clock, allow_private=allow_private)], told.rates
        )
    if account := unset(told.fcm_credentials_secret):
        senders["fcm"] = first_of([Fcm(account, clock=clock, base_url=told.fcm_base_url)], told.rates)
    return senders


def _contact() -> str:
    """Whom push services can ask about what is sent (RFC 8292, section 2.1): who answers at this deployment."""
    url = urlsplit(settings().public_url)
    return f"https://{url.hostname}" if url.scheme == "https" else "mailto:push@localhost"
