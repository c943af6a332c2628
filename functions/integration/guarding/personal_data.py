"""Personal data and secrets, found in texts that are folded to how they look.

A pattern finds candidates; what a pattern cannot say (check digits, neighbours) is looked at afterwards.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from integration.guarding.patterns import Pattern, Span, compiled
from integration.guarding.rules import Pii

type Check = Callable[[bytes], bool]

_LUHN: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_GAPS: Final = re.compile(rb"[ .-]")
_CARD_LENGTHS: Final = range(13, 20)
_IBAN_LENGTHS: Final = range(15, 35)
_TEN: Final = 10


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds one kind: the first group of a pattern is a candidate.

    Attributes:
        check: Whether a candidate is one.
        grouped: Whether only its first groups may be one: a card's number is often followed by other numbers.
    """

    pattern: Pattern
    check: Check
    grouped: bool = False

    def spans(self, data: bytes) -> Iterator[Span]:
        """Where it is. Behind a candidate that is none the search goes on with its second character."""
        found = self.pattern.search(data)
        while found is not None:
            start, end = found.span(1)
            fitting = next((part for part in self._parts(data[start:end]) if self.check(part)), b"")
            if fitting:
                yield start, start + len(fitting)
            found = self.pattern.search(data, pos=start + (len(fitting) or 1))

    def _parts(self, candidate: bytes) -> Iterator[bytes]:
        """A candidate, and what is left of it without its last groups."""
        yield candidate
        gaps = _GAPS.finditer(candidate) if self.grouped else ()
        yield from (candidate[:place] for place in sorted((gap.start() for gap in gaps), reverse=True))


def luhn(digits: bytes) -> bool:
    """Whether the last of these digits checks the others (ISO/IEC 7812-1, annex B)."""
    numbers = [digit - 48 for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_LUHN[number] for number in numbers[1::2])) % _TEN == 0


def _is_card(candidate: bytes) -> bool:
    digits = bytes(character for character in candidate if 48 <= character <= 57)  # noqa: PLR2004 - 0 to 9
    return len(digits) in _CARD_LENGTHS and luhn(digits)


def _is_iban(candidate: bytes) -> bool:
    """Whether the check digits fit: ISO 13616, and modulo 97 of ISO/IEC 7064."""
    plain = candidate.replace(b" ", b"").replace(b"-", b"").decode().upper()
    if len(plain) not in _IBAN_LENGTHS:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _is_address(candidate: bytes) -> bool:
    try:
        ipaddress.ip_address(candidate.decode())
    except ValueError:
        return False
    return True


def _is_ssn(candidate: bytes) -> bool:
    """Whether it can have been issued: https://www.ssa.gov/employer/randomization.html."""
    area, group, serial = candidate[:3], candidate[4:6], candidate[7:]
    return area not in {b"000", b"666"} and area < b"900" and group != b"00" and serial != b"0000"


def _is_phone(candidate: bytes) -> bool:
    """Whether it has as many digits as ITU-T E.164 allows, and no fewer than eight."""
    return 8 <= sum(48 <= character <= 57 for character in candidate) <= 15  # noqa: PLR2004 - as the line above says


def _any(_candidate: bytes) -> bool:
    return True


_BEFORE_NUMBER: Final = r"(?:^|[^0-9])"
_AFTER_NUMBER: Final = r"(?:$|[^0-9])"
_GAP: Final = r"[ .-]?"
# As they are printed: groups of four, or Amex's and Diners' 4-6-5 and 4-6-4; all begin with 2 to 6.
_CARD: Final = (
    rf"{_BEFORE_NUMBER}([2-6][0-9]{{3}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{1,4}}(?:{_GAP}[0-9]{{1,3}})?"
    rf"|3[0-9]{{3}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{4,5}}){_AFTER_NUMBER}"
)
_PHONE: Final = (
    r"(?:^|[^0-9A-Za-z+])((?:\+|00)[1-9][0-9]{0,2}(?:[ ./()-]{0,3}[0-9]){6,12}"
    r"|(?:\(0?[2-9][0-9]{1,4}\)|[2-9][0-9]{2}[ .-])[ ]?[0-9]{3}[ .-][0-9]{4})(?:$|[^0-9A-Za-z])"
)
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS: Final = (
    rf"(?:^|[^0-9A-Za-z.:])((?:{_OCTET}\.){{3}}{_OCTET}"
    r"|(?:[0-9A-Fa-f]{1,4}:){1,7}(?::?[0-9A-Fa-f]{1,4}){1,7}|(?:[0-9A-Fa-f]{1,4}:){1,7}:|::(?:[0-9A-Fa-f]{1,4}:?){1,7})"
    r"(?:$|[^0-9A-Za-z:])"
)
# Their makers' own shapes; each is long and random, so that words do not look like it.
_KEY: Final = (
    r"(?:^|[^0-9A-Za-z_])("
    r"sk-[A-Za-z0-9_-]{20,}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35}|hf_[A-Za-z0-9]{30,}"
    r"|llmo_[A-Za-z0-9]+_[A-Za-z0-9]{36,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r")"
)
_PRIVATE_KEY: Final = (
    r"(-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-[^-]|--[^-]|---[^-]|----[^-])*(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|-*$))"
)
_EMAIL: Final = (
    r"(?:^|[^\pL\pN._%+-])([\pL\pN_%+-][\pL\pN._%+'&=/~-]*@"
    r"(?:[\pL\pN][\pL\pN-]*\.)+\pL[\pL\pN-]*[\pL\pN])"
)
_IBAN: Final = r"(?i)(?:^|[^0-9A-Za-z])([A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{1,4}){3,8})(?:$|[^0-9A-Za-z])"
_SSN: Final = r"(?:^|[^0-9-])([0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4})(?:$|[^0-9-])"

_SHAPES: Final[Mapping[Pii, tuple[tuple[str, Check], ...]]] = {
    Pii.EMAIL: ((_EMAIL, _any),),
    Pii.PHONE: ((_PHONE, _is_phone),),
    Pii.CREDIT_CARD: ((_CARD, _is_card),),
    Pii.IBAN: ((_IBAN, _is_iban),),
    Pii.IP_ADDRESS: ((_ADDRESS, _is_address),),
    Pii.US_SSN: ((_SSN, _is_ssn),),
    Pii.SECRET: ((_KEY, _any), (_PRIVATE_KEY, _any)),
}


@cache
def finders(kind: Pii) -> tuple[Finder, ...]:
    """What finds a kind."""
    grouped = kind in {Pii.CREDIT_CARD, Pii.IBAN}
    return tuple(Finder(compiled(pattern), check, grouped) for pattern, check in _SHAPES[kind])
