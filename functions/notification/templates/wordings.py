"""Whether what an organization words fits: its parts, its variables, and what comes of them with examples."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from notification.contents import Content
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Category, Channel
from notification.templates import shipped
from notification.templates.language import Malformed, Parsed, parsed
from notification.templates.models import (
    LAYOUT,
    Flaw,
    FlawedTemplate,
    NoSuchKind,
    NotYours,
    RenderFacts,
    UnfittingWording,
    Wording,
)
from notification.templates.parts import parts_of
from notification.templates.rendering import PLATFORM, Said, content, values_of
from notification.templates.variables import COMMON, OF_LAYOUTS

OWN: Final = "custom."
"""What the names of organizations' own kinds begin with."""

_INVITATION: Final = "invitation"
_OURS_ALONE: Final = frozenset({Category.ACCOUNT, Category.SECURITY})
_OPTIONAL: Final[Mapping[str, Sequence[str]]] = {"message": ("url",), LAYOUT: ("url",)}
_LAYOUTS_NEED: Final = ("content", "unsubscribe_url")
_MOST_FLAWS: Final = 20
_SOME_DAY: Final = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def is_own(kind: str) -> bool:
    """Whether a kind is an organization's own."""
    return kind.startswith(OWN)


def customizable(kind: str) -> bool:
    """Whether organizations may word a kind themselves.

    They do not word what is about people's own accounts, which belong to no organization: those messages carry codes
    and links, and a template, or a layout around it, could pass them on. An invitation is the organization's: its token
    is worth nothing to who is not signed in with the address that was invited.
    """
    known = KINDS.get(kind)
    return kind in {LAYOUT, _INVITATION} or is_own(kind) or (known is not None and known.category not in _OURS_ALONE)


def require_known(kind: str, *, own: bool = True) -> None:
    """Raise NoSuchKind for what nothing can be said of; organizations' own kinds are known where `own` says so."""
    if kind not in KINDS and kind != LAYOUT and not (own and is_own(kind)):
        raise NoSuchKind


def require_customizable(kind: str, channel: Channel) -> None:
    """Raise NoSuchKind, NotYours or UnfittingWording, unless an organization may word this."""
    require_known(kind)
    if not customizable(kind):
        raise NotYours
    if kind == LAYOUT and channel is not Channel.EMAIL:
        raise UnfittingWording("A layout is of mails: its channel is `email`.")


def require_fitting(kind: str, channel: Channel, wording: Wording) -> None:
    """Raise UnfittingWording for parts that the channel has not, lacks or has shorter, and variables of others."""
    parts = parts_of(kind, channel)
    if unknown := sorted(wording.parts.keys() - parts.keys()):
        raise UnfittingWording(f"There are no such parts: {', '.join(unknown)}. There are {', '.join(parts)}.")
    if missing := [name for name, part in parts.items() if part.required and not wording.parts.get(name, "").strip()]:
        raise UnfittingWording(f"These parts are needed: {', '.join(missing)}.")
    for name, text in wording.parts.items():
        if len(text) > parts[name].longest:
            raise UnfittingWording(f"The part `{name}` has {parts[name].longest:,} characters at most.")
    if wording.variables and not is_own(kind):
        raise UnfittingWording("Variables are declared of your own kinds; others have theirs.")
    names = [variable.name for variable in wording.variables]
    if len(set(names)) < len(names):
        raise UnfittingWording("Each variable is declared once.")


def prepared(kind: str, channel: Channel, locale: str, wording: Wording) -> Said:
    """A wording, ready to be rendered. Raises FlawedTemplate for what is no template, and for unknown variables."""
    known = {*COMMON, *_names(kind, wording)}
    parts: dict[str, Parsed] = {}
    flaws: list[Flaw] = []
    for name, part in parts_of(kind, channel).items():
        source = wording.parts.get(name)
        if source is None:
            continue
        try:
            parts[name] = parsed(source, html=part.html)
        except Malformed as error:
            flaws += [Flaw(name, mistake.line, mistake.message) for mistake in error.mistakes]
            continue
        unknown = sorted(parts[name].names.keys() - known)
        flaws += [Flaw(name, parts[name].names[each], f"there is no variable `{each}`") for each in unknown]
    if kind == LAYOUT and not flaws:
        lacking = [name for name in _LAYOUTS_NEED if name not in parts["html"].names]
        flaws += [Flaw("html", None, f"a layout needs the variable `{name}`") for name in lacking]
    if flaws:
        raise FlawedTemplate(flaws[:_MOST_FLAWS])
    return Said(parts, locale, own=True)


def example(kind: str, wording: Wording | None) -> Mapping[str, Any]:
    """What previews show."""
    if is_own(kind):
        return {variable.name: variable.example for variable in wording.variables} if wording is not None else {}
    return KINDS["message" if kind == LAYOUT else kind].variables


def given(kind: str, wording: Wording | None, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables of a kind as its templates get them: those that may be left out are null then."""
    declared = wording.variables if wording is not None else ()
    optional = [*_OPTIONAL.get(kind, ()), *(variable.name for variable in declared if not variable.required)]
    return dict.fromkeys(optional) | dict(variables)


def shown(said: Said, facts: RenderFacts, *, app_url: str, now: datetime, layout: Parsed | None = None) -> Content:
    """What is sent, of a template or, when it is a layout, of a message in it. Raises Unrenderable."""
    if facts.kind == LAYOUT:
        layout, said = said.parts["html"], standard(facts, said.locale)
    return content(facts.channel, said, values_of(facts, said, app_url=app_url, now=now), layout=layout)


def standard(facts: RenderFacts, locale: str) -> Said:
    """What is shipped of a kind."""
    kind = "message" if facts.kind == LAYOUT else facts.kind
    sender = facts.organization if kind == "message" else None
    return Said(shipped.parts(locale, kind, facts.channel), locale, sender=sender or PLATFORM)


def require_renderable(kind: str, channel: Channel, locale: str, wording: Wording, *, app_url: str) -> None:
    """Raise FlawedTemplate for a template that cannot be rendered with its own examples.

    It is tried for somebody of whom everything is known, and for somebody of whom nothing is, without what may be
    left out.
    """
    said = prepared(kind, channel, locale, wording)
    everything = example(kind, wording)
    least = {**everything, **given(kind, wording, {})}
    facts = RenderFacts(org_id=None, kind=kind, channel=channel, locale=locale, variables=least)
    known = facts.model_copy(
        update={
            "person": "Ada Lovelace",
            "organization": "Analytical Engines",
            "unsubscribe_url": f"{app_url}/unsubscribe",
            "variables": everything,
        }
    )
    for each in (facts, known):
        shown(said, each, app_url=app_url, now=_SOME_DAY)


def _names(kind: str, wording: Wording) -> Sequence[str]:
    if kind == LAYOUT:
        return OF_LAYOUTS
    return [variable.name for variable in wording.variables] if is_own(kind) else [*KINDS[kind].variables]
