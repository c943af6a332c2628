"""What a mail program or a browser posts: `List-Unsubscribe=One-Click` (RFC 8058, sections 3.1 and 3.2)."""

from email.errors import MessageError
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final
from urllib.parse import parse_qs

FIELD: Final = "List-Unsubscribe"
VALUE: Final = "One-Click"


def asks_to_unsubscribe(content_type: str, body: bytes) -> bool:
    """Whether a form says so, of either of the types that the RFC allows."""
    match content_type.partition(";")[0].strip().lower():
        case "application/x-www-form-urlencoded":
            return parse_qs(body.decode("latin-1")).get(FIELD) == [VALUE]
        case "multipart/form-data":
            return _part(content_type, body) == VALUE
        case _:
            return False


def _part(content_type: str, body: bytes) -> str | None:
    """What the form's field of this name holds, as RFC 7578 has it."""
    if not (content_type.isascii() and content_type.isprintable()):
        return None
    try:
        form = BytesParser(policy=HTTP).parsebytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
        for part in form.iter_parts():
            if part.get_param("name", header="content-disposition") == FIELD:
                value = part.get_payload(decode=True)
                return value.decode("latin-1").strip() if isinstance(value, bytes) else None
    except (MessageError, LookupError, ValueError, TypeError):
        return None
    return None
