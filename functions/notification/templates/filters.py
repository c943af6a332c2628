"""What templates do with values: the filters that there are. What comes of one is no larger than what it is given.

Those of amounts and moments write as the template's `locale` and the recipient's `time_zone` have it. Source of how:
the Unicode CLDR, by Babel.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Undefined
from jinja2.utils import pass_context, pass_eval_context
from markupsafe import Markup, escape

from llmo_core.currencies import Currency

_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,20})?")
_LINK: Final = re.compile(r"(?:[\x21-\x7e]|\w){1,2048}")
_UP: Final = re.compile(r"/(\.|%2e){1,2}(?=[/?#]|$)", re.IGNORECASE)
_MOST_JOINED: Final = 65_536
_SHORTEST: Final = 2
_CENT: Final = Decimal("0.01")


class FilterError(ValueError):
    """A filter cannot do anything with what it is given."""


def _number(given: object) -> Decimal:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given) if -(10**30) < given < 10**30 else ""
    if not isinstance(given, str) or _NUMBER.fullmatch(given) is None:
        raise FilterError("this is no number: write it as 12 or as the text `12.5`")
    return Decimal(given)


@pass_context
def money(context: Context, minor: object, currency: object) -> str:
    """An amount in minor units: `{{ 12000|money("USD") }}` is $120.00."""
    known = _currency(currency)
    amount = _number(minor).scaleb(-known.exponent)
    return format_currency(amount, known, locale=_locale(context))


@pass_context
def amount(context: Context, number: object, currency: object = None) -> str:
    """A number, or an amount in units of a currency: `{{ "80.12"|amount("USD") }}` is $80.12.

    Of amounts below a cent all decimal places are written, so that none of them is zero.
    """
    value = _number(number)
    if currency is None:
        return format_decimal(value, locale=_locale(context), decimal_quantization=False)
    rounded = not 0 < abs(value) < _CENT
    return format_currency(value, _currency(currency), locale=_locale(context), decimal_quantization=rounded)


@pass_context
def moment(context: Context, given: object, shape: object = "moment") -> str:
    """A moment where the recipient is: November 28, 2026, 1:30 PM CET; with `"date"` the day alone."""
    try:
        at = datetime.fromisoformat(given if isinstance(given, str) else "")
        local = at.astimezone(ZoneInfo(context["time_zone"]))
    except (ValueError, OverflowError) as error:
        raise FilterError("this is no moment: write it as RFC 3339 has it, such as 2026-11-27T12:00:00Z") from error
    if at.tzinfo is None:
        raise FilterError("this moment has no time zone")
    locale = _locale(context)
    day = format_date(date(local.year, local.month, local.day), "long", locale=locale)
    if shape == "date":
        return day
    return f"{day}, {format_time(local, 'short', tzinfo=local.tzinfo, locale=locale)} {_zone(local)}"


@pass_context
def link(context: Context, target: object) -> str:
    """An address that a link may have: a path is below the application's, `https` and `http` stay as they are.

    Everything else is refused: other schemes, such as `javascript:`, and paths that lead somewhere else.
    """
    return address(target, below=context["app_url"])


def address(target: object, *, below: str) -> str:
    """The same, of an application that is somewhere. Raises FilterError."""
    if not isinstance(target, str) or _LINK.fullmatch(target) is None or "\\" in target:
        raise FilterError("this is no link")
    if target.startswith("/") and not target.startswith("//") and _UP.search(target) is None:
        return below.rstrip("/") + target
    try:
        parts = urlsplit(target)
        usable = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.username is None
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise FilterError("a link is a path, such as `/billing`, or an address with `https:`")
    return target


def urlencode(given: object) -> str:
    """A text as a part of an address."""
    return quote(_text(given), safe="")


@pass_eval_context
def lines(eval_context: EvalContext, given: object) -> str:
    """A text of several lines, in HTML with its line breaks."""
    text = _text(given)
    if not eval_context.autoescape:
        return text
    return Markup("<br>\n").join(escape(line) for line in text.split("\n"))


def default(given: object, instead: object = "") -> object:
    """Something else where there is nothing: null, an empty text, or no such key."""
    return instead if given is None or isinstance(given, Undefined) or given == "" else given


def join(given: object, between: object = ", ") -> str:
    """The texts of a list as one."""
    if not isinstance(given, list):
        raise FilterError("only lists can be joined")
    texts, separator = [_text(each) for each in given], _text(between)
    # Counted before it is made.
    if sum(map(len, texts)) + len(texts) * len(separator) > _MOST_JOINED:
        raise FilterError(f"more than {_MOST_JOINED:,} characters would come of it")
    return separator.join(texts)


def truncate(given: object, length: object) -> str:
    """The beginning of a text, with an ellipsis where something is left out."""
    if not isinstance(length, int) or length < _SHORTEST:
        raise FilterError(f"a text is cut to {_SHORTEST} characters at least")
    return cut(_text(given), length)


def cut(text: str, most: int) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def length(given: object) -> int:
    """How long a text, a list or a mapping is."""
    if not isinstance(given, str | list | dict):
        raise FilterError("this has no length")
    return len(given)


def _text(given: object) -> str:
    if isinstance(given, Undefined):
        return str(given)  # raises what it is that is not there
    if isinstance(given, str):
        return str.__str__(given)  # no Markup: what comes of it is escaped
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise FilterError("this is no text")
    return str(given)


def _currency(given: object) -> Currency:
    try:
        return Currency(given if isinstance(given, str) else "")
    except ValueError as error:
        raise FilterError("this is no currency, such as `USD`") from error


def _locale(context: Context) -> Locale:
    return known_locale(context["locale"])


@lru_cache(maxsize=256)
def known_locale(tag: str) -> Locale:
    """The locale of a BCP 47 tag; of one that nobody knows that of its language, and else English."""
    language = tag.partition("-")[0]
    for candidate in (tag, language):
        try:
            return Locale.parse(candidate, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return Locale("en")


def _zone(local: datetime) -> str:
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{local:%:z}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "amount": amount,
        "capitalize": lambda given: _text(given).capitalize(),
        "default": default,
        "join": join,
        "length": length,
        "lines": lines,
        "link": link,
        "lower": lambda given: _text(given).lower(),
        "moment": moment,
        "money": money,
        "trim": lambda given: _text(given).strip(),
        "truncate": truncate,
        "upper": lambda given: _text(given).upper(),
        "urlencode": urlencode,
    }
)
