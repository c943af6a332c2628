"""Text messages as every provider of them needs them."""

import re
from typing import Final

from notification.contents import SmsContent
from notification.delivery.ports import Outgoing, Refused

LONGEST: Final = 1600
"""Characters of one message, ten of the network's: https://www.twilio.com/docs/glossary/what-sms-character-limit."""
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_NOT_A_TEXT: Final = Refused("The message is no text message.")
_NO_NUMBER: Final = Refused("The address is no number as E.164 has them.", gone=True)


def text_of(message: Outgoing) -> str | Refused:
    """What a message says, or why it is no text message."""
    content = message.content
    if not isinstance(content, SmsContent):
        return _NOT_A_TEXT
    if _NUMBER.fullmatch(message.address) is None:
        return _NO_NUMBER
    if not content.text.strip() or len(content.text) > LONGEST:
        return Refused("The message has no text, or more than a text message may have.")
    return content.text.replace("\x00", "")
