"""What contacts are told by their environment."""

from llmo_core.settings import Settings


class ContactSettings(Settings):
    """How notifications are pushed.

    Attributes:
        vapid_public_key: What browsers subscribe with (RFC 8292), as base64url; empty where nothing is pushed to them.
        allow_private_push_services: Whether push services may be in private networks and without TLS.
    """

    vapid_public_key: str = ""
    allow_private_push_services: bool = False
