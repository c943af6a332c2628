"""The passwords that everybody tries first: the 30,000 most common ones, as zxcvbn ships them.

Source of the demand: NIST SP 800-63B, section 3.1.1.2; OWASP ASVS 5.0, 6.2.4.
"""

from functools import cache


def is_common(password: str) -> bool:
    """Whether the password, in any case of letters, is one of them."""
    return password.casefold() in _common()


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 50 ms, which only new passwords cost

    return frozenset(FREQUENCY_LISTS["passwords"])
