"""The sender of push notifications with its providers, made once per process at the first use."""

from notification.delivery.sending import Sending
from notification.delivery.settings import PushSettings
from notification.delivery.wiring import once, sending_by
from notification.kinds.models import Channel


@once
def settings() -> PushSettings:
    """What the sender is told by its environment."""
    return PushSettings.model_validate({})


@once
def sending() -> Sending:
    """What sends push notifications."""
    return sending_by(Channel.PUSH, [], settings)
