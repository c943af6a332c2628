"""Leaving pictures, sounds and files out of what is kept of a request."""

import re
from typing import Any, Final

LABEL: Final = "[data]"
_DATA: Final = re.compile(r"data:[^,]{0,200},.*|[A-Za-z0-9+/_-]{256,}={0,2}", re.DOTALL)
"""A data URL (RFC 2397), or what is as long as no word and looks like base64."""
_FIELDS: Final = frozenset(("file_data", "b64_json"))
_SOUND: Final = "input_audio"


def leave_out_data(body: Any) -> None:  # noqa: ANN401 - JSON
    """Put a label in the place of every picture, sound and file in a JSON body. URLs of others stay."""
    waiting: list[Any] = [body]
    while waiting:
        item = waiting.pop()
        places = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        for name, value in list(places):
            if isinstance(value, str):
                if name in _FIELDS or _DATA.fullmatch(value):
                    item[name] = LABEL
            elif name == _SOUND and isinstance(value, dict) and "data" in value:
                value["data"] = LABEL
            else:
                waiting.append(value)
