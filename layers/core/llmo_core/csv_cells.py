"""Cells of CSV files, which people open in spreadsheets.

A spreadsheet runs what begins like a formula, whoever wrote it: https://owasp.org/www-community/attacks/CSV_Injection.
Some read full-width signs as formulas too, and pass over a NUL or a line feed before one.
"""

from datetime import datetime
from decimal import Decimal

from llmo_core.clock import rfc3339
from llmo_core.money import decimal_text

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")

type CellValue = str | int | float | Decimal | datetime | bool | None


def no_formula(text: str) -> str:
    """A text that a spreadsheet shows, and does not run: one that could be a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def cell(value: CellValue) -> str:
    """A value as a cell has it: decimals exactly and in plain digits, moments as RFC 3339 in UTC, None empty.

    Numbers stay numbers, also negative ones; only texts are kept from being formulas.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    return no_formula(value) if isinstance(value, str) else str(value)
