"""Where providers tell what became of a message."""

from urllib.parse import urlencode


def status_callback(base: str, message_id: object, org_id: object) -> str:
    """The address of one message. Providers sign it: whoever verifies that has to make the same."""
    return f"{base}?{urlencode({'message_id': str(message_id), 'org_id': str(org_id)})}"
