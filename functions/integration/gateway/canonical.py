"""What a question is without the courtesy around it: the key of a cache that needs no model (docs/adr/0019).

English, German, French and Spanish; in other languages case and punctuation are levelled, and nothing else.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

LONGEST: Final = 300
"""Longer messages carry contexts and documents: one of them has no form to speak of (characters)."""
_COOLEST: Final = 0.3
_LETTER: Final = r"(?<=[^\W\d_] )A\b"  # hepatitis A, vitamin A: no article has a capital there
_ARTICLES: Final = frozenset({"a", "an", "the"})
CURLED: Final = "\N{RIGHT SINGLE QUOTATION MARK}"
# Only words that mean nothing else in any of the languages: not `dos`, `elf`, `cent`, `second`, `un` or `premier`.
_NUMBERS: Final = """
1 one
2 two zwei deux
3 three drei trois tres
4 four vier quatre cuatro
5 five fünf cinq cinco
6 six sechs
7 seven sieben siete
8 eight huit
9 nine neun nueve
10 ten zehn diez
11 eleven onze
12 twelve zwölf douze doce
20 twenty zwanzig vingt veinte
100 hundred hundert
1st first
3rd third dritte
4th fourth vierte
"""
NUMBERS: Final = {word: line.split()[0] for line in _NUMBERS.strip().splitlines() for word in line.split()}
"""Numbers written as words."""
# What is quoted, and what is written as code: words with such signs in them, some inner capitals, and divisions.
QUOTED: Final = r"```.*?```|`[^`]+`|\"[^\"]+\"|“[^”]+”|„[^“]+“|«[^»]+»"
_CODE: Final = r"\w[._/:]\w|\w_\w|[{}()\[\]<>=|&*^~#\\]|\+\+|--|//"
_CAMEL: Final = r"\b[a-z]+[A-Z]\w*"
_DIVIDED: Final = r"\s[/%]\s\S+"
# Signs beside numbers are arithmetic: 10-5, 5!
_WORD: Final = r"(?<=\d)[!-]|(?<=\d\s)-(?=\s?\d)|(?:(?<!\S)-)?\d+(?:[.,:]\d+)*|[^\W_]+|[^\w\s.,;:!?¿¡'\"()-]"
# Courtesy around a question, and ways to begin one, with what they come to; tried in this order.
_FRAMES: Final = (
    (
        (
            r"^(?:(?:hi|hello|hey|hallo|bonjour|hola|buenos días|good (?:morning|afternoon|evening)|excuse me)"
            r"(?: there| team| all)?|sorry(?: to bother you)?|(?:one more|quick) question|ok(?:ay)?|so|please|bitte)"
            r"\b[\s,.:!-]*"
        ),
        "",
    ),
    (
        (
            r"^(?:(?:can|could|would) you (?:please |kindly )?(?:tell|show) me|tell me|do you know|"
            r"i(?:'d| would) like to know|i (?:need|want) to know|i was wondering|i (?:just )?wanted to ask|"
            r"pourriez-vous me dire|pouvez-vous me dire|¿?(?:me )?pueden? decir(?:me)?|können sie mir (?:bitte )?sagen)"
            r"\b[\s,:]*"
        ),
        "",
    ),
    (
        (
            r"(?:[.!?,]\s*(?:thanks|thank you|danke|merci|gracias|(?:best |kind )?regards)"
            r"(?: in advance| a lot| very much| so much)?|(?:(?<!:)\s|[.!?,]\s*)please)[\s.!?]*$"
        ),
        "",
    ),
    (r"^(?:what (?:is|are) the (?:best )?(?:way|steps) to|how (?:do|can) i|how to|how i)\b", "how"),
    (r"^(?:can|could) you (?:please )?explain(?: to me)?\b", "explain"),
)


def canonical(text: str) -> tuple[str, ...]:
    """A message without the courtesy around it, as words.

    What is quoted and written as code stays to the letter; of the rest, case, punctuation and number words are
    levelled, and nothing but articles is left out of its middle.
    """
    quoted = compiled(QUOTED)
    rest = uncourteous(compiled(_LETTER).sub("lettera", quoted.sub(" 0 ", text)).lower().replace(CURLED, "'"))
    words = [NUMBERS.get(word, word) for word in tokens(rest) if word not in _ARTICLES]
    return (*words, *quoted.findall(text), *code(quoted.sub(" ", text)))


def code(text: str) -> list[str]:
    """What is written as code outside of quotes, in time that grows with the text and not with its square."""
    found, done = [], 0
    for word in compiled(r"\S+").finditer(text):
        start, end = word.span()
        if start < done:
            continue
        if compiled(_CODE).search(word[0]):
            found.append(word[0])
        elif divided := compiled(_DIVIDED).match(text, end):
            while camel := compiled(_CAMEL).match(text, start, end):
                found.append(camel[0])
                start = camel.end()
            if start < end:
                found.append(text[start : divided.end()])
                done = divided.end()
        else:
            found += compiled(_CAMEL).findall(text, start, end)
    return found


def uncourteous(text: str) -> str:
    """A text in lower case without the courtesy around it."""
    rest, before = text.strip(), None
    while rest != before:
        before = rest
        for frame, plain in _FRAMES:
            rest = compiled(frame).sub(plain, rest)
    return rest


def tokens(text: str) -> list[str]:
    """The words, numbers and signs of a text in lower case."""
    return compiled(_WORD).findall(text)


def levelled(body: Mapping[str, Any], *, any_temperature: bool) -> dict[str, Any] | None:
    """A chat completion with its last message in canonical form; None when only an equal one may get its answer."""
    text = question(body, any_temperature=any_temperature)
    words = canonical(text) if text is not None else None
    return with_last(body, words) if words else None


def question(body: Mapping[str, Any], *, any_temperature: bool) -> str | None:
    """The last message of a chat completion that differently worded ones may share an answer with.

    None with several choices, tools, or anything but text, when a long message or none of the user's ends it, and at a
    temperature above 0.3 (absent counts as 1) unless any one will do.
    """
    messages = body["messages"]
    last = messages[-1]
    text: str = last.get("content")
    temperature = body.get("temperature")
    cool = isinstance(temperature, int | float) and temperature <= _COOLEST
    plain = all(isinstance(message.get("content"), str) for message in messages)
    if not plain or last.get("role") != "user" or not (any_temperature or cool):
        return None
    if len(text) > LONGEST or "\n" in text or body.get("n", 1) != 1 or body.get("tools") or body.get("functions"):
        return None
    return text


def with_last(body: Mapping[str, Any], content: object) -> dict[str, Any]:
    """A chat completion with something else in place of its last message's text."""
    *before, last = body["messages"]
    return {**body, "messages": [*before, {**last, "content": content}]}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled at the first need: most calls have none."""
    return re.compile(pattern, re.DOTALL)
