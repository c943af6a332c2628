"""From a template and its variables to what is sent, on each channel in the shape that the channel has. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from llmo_core.clock import rfc3339
from notification.contents import Content, EmailContent, InAppContent, PushContent, SmsContent
from notification.kinds.models import Channel
from notification.templates import bounds, shipped, values
from notification.templates.filters import FilterError, address
from notification.templates.language import Failed, Parsed
from notification.templates.mail import mail
from notification.templates.models import Flaw, RenderFacts, Unrenderable
from notification.templates.variables import COMMON

PLATFORM: Final = "LLMOptimizer"

type Parts = Mapping[str, Parsed]
type Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A template, ready to be rendered.

    Attributes:
        parts: Those of the channel; see `parts.PARTS`.
        locale: The language that it is in.
        own: Whether it is an organization's: it greets nobody for it, and repeats no subject as its heading.
        sender: Who says it, at the beginning of text messages.
    """

    parts: Parts
    locale: str
    own: bool = False
    sender: str | None = None


def values_of(facts: RenderFacts, said: Said, *, app_url: str, now: datetime) -> Values:
    """What a template can use: the kind's variables, and those that all have. Raises Unrenderable.

    A kind's own `person` and `organization` come before the recipient's; nothing else stands in for a common one.
    """
    try:
        given = values.plain(facts.variables)
    except values.TooMuch as error:
        raise Unrenderable(Flaw("", None, str(error))) from error
    common = {
        "app_url": app_url,
        "person": _name(given.get("person"), facts.person),
        "organization": _name(given.get("organization"), facts.organization),
        "locale": formatting(said.locale, facts.locale),
        "time_zone": known_zone(facts.time_zone),
        "unsubscribe_url": facts.unsubscribe_url,
        "now": rfc3339(now),
    }
    return {**given, **common}


def content(channel: Channel, said: Said, values: Values, *, layout: Parsed | None = None) -> Content:
    """What is sent; `layout` stands around a mail, ours without one. Raises Unrenderable."""
    parts = said.parts
    match channel:
        case Channel.EMAIL:
            return _mail(said, values, layout)
        case Channel.SMS:
            text = _said(parts, "text", values)
            introduced = f"{said.sender}: {text}" if said.sender else text
            link = _url(parts, values, most=bounds.PUSH_LINK)
            return SmsContent(text=bounds.sms(_something(introduced, "text"), link))
        case Channel.PUSH:
            title = bounds.line(_said(parts, "title", values), bounds.PUSH_TITLE)
            body = bounds.paragraphs(_said(parts, "body", values), bounds.PUSH_BODY)
            link = _url(parts, values, most=bounds.PUSH_LINK)
            return PushContent(title=_something(title, "title"), body=body, url=link)
        case Channel.IN_APP:
            title = bounds.line(_said(parts, "title", values), bounds.IN_APP_TITLE)
            body = bounds.paragraphs(_said(parts, "body", values), bounds.IN_APP_BODY)
            return InAppContent(title=_something(title, "title"), body=body, url=_url(parts, values))


def formatting(template: str, recipient: str) -> str:
    """The locale that numbers and dates are written for: the recipient's, if that is of the template's language."""
    return recipient if recipient.partition("-")[0] == template.partition("-")[0] else template


@lru_cache(maxsize=512)
def known_zone(name: str) -> str:
    """The time zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name).key
    except (ValueError, LookupError, OSError):
        return "UTC"


def _mail(said: Said, values: Values, layout: Parsed | None) -> EmailContent:
    parts = said.parts
    subject = _something(bounds.line(_said(parts, "subject", values), bounds.SUBJECT), "subject")
    frame = shipped.frame(shipped.locale_of([said.locale]))
    texts = {name: bounds.line(_said(frame, name, values), bounds.SUBJECT) for name in frame}
    inner = {
        "heading": bounds.line(_said(parts, "heading", values), bounds.SUBJECT) or (None if said.own else subject),
        "greeting": None if said.own else texts["greeting"],
        "body": Markup(_said(parts, "body", values)),  # noqa: S704 - its values were escaped
        "action": bounds.line(_said(parts, "action", values), bounds.SUBJECT),
        "url": _url(parts, values),
        "hint": texts["hint"],
    }
    around = {
        **{name: values[name] for name in COMMON},
        "content": Markup(_rendered(shipped.content(), "body", inner)),  # noqa: S704 - likewise
        "subject": subject,
        "preview": bounds.line(_said(parts, "short", values), bounds.PUSH_BODY),
        "reason": texts["reason"],
        "unsubscribe": texts["unsubscribe"],
    }
    try:
        return mail(subject=subject, html=_rendered(layout or shipped.layout(), "html", around))
    except Failed as error:
        raise Unrenderable(Flaw("html" if layout is not None else "body", error.line, error.reason)) from error


def _said(parts: Parts, name: str, values: Values) -> str:
    return _rendered(parts[name], name, values).strip() if name in parts else ""


def _rendered(template: Parsed, part: str, values: Values) -> str:
    try:
        return template.rendered(values)
    except Failed as error:
        raise Unrenderable(Flaw(part, error.line, error.reason)) from error


def _url(parts: Parts, values: Values, *, most: int = bounds.LINK) -> str | None:
    said = _said(parts, "url", values)
    if not said:
        return None
    try:
        found = address(said, below=values["app_url"])
    except FilterError as error:
        raise Unrenderable(Flaw("url", None, str(error))) from error
    if len(found) > most:
        raise Unrenderable(Flaw("url", None, f"a link has at most {most} characters"))
    return found


def _something(text: str, part: str) -> str:
    if not text:
        raise Unrenderable(Flaw(part, None, "nothing is left of it"))
    return text


def _name(given: object, recipient: str | None) -> str | None:
    name = given if isinstance(given, str) else recipient
    return bounds.line(name, bounds.SUBJECT) or None if name is not None else None
