"""How the catalogue writes a kind down, and what its previews have in common."""

from typing import Any, Final

from notification.kinds.models import Category, Channel, Kind

MAIL: Final = (Channel.EMAIL,)
MAIL_AND_INBOX: Final = (Channel.EMAIL, Channel.IN_APP)
INBOX: Final = (Channel.IN_APP,)
ALL: Final = (Channel.EMAIL, Channel.IN_APP, Channel.PUSH)
URGENT: Final = (Channel.EMAIL, Channel.IN_APP, Channel.PUSH, Channel.SMS)

TOKEN: Final = "9rXxq0iJ4cVbY1u3wQk7pZ2sT5nM8dLf"  # noqa: S105 - of a preview
SOON: Final = "2026-11-28T12:30:00Z"
INVOICE: Final = {
    "invoice_id": "01980a5e-7c00-7000-8000-000000000601",
    "number": "INV-2026-000042",
    "currency": "USD",
}


def kind(
    name: str,
    category: Category,
    channels: tuple[Channel, ...],
    summary: str,
    **variables: Any,  # noqa: ANN401 - examples of any kind
) -> Kind:
    """A kind, with an example of each variable."""
    return Kind(name=name, category=category, channels=channels, summary=summary, variables=variables)
