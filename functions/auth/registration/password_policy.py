"""Which passwords may be chosen.

Sources: NIST SP 800-63B, section 3.1.1.2 (length and a list, no rules of composition); OWASP ASVS 5.0, 6.2.
"""

from collections.abc import Callable

from auth.registration.models import PasswordFault, PasswordRefused

SHORTEST = 8
LONGEST = 128


class PasswordPolicy:
    """Refuses passwords that are easily guessed.

    Args:
        is_common: Whether a password is one of those that everybody tries first.
    """

    def __init__(self, is_common: Callable[[str], bool]) -> None:
        self._is_common = is_common

    def check(self, password: str, *, email: str) -> None:
        """Raise PasswordRefused, with the reason, unless the password may be chosen."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise PasswordRefused(f"A password has {SHORTEST} to {LONGEST} characters.", fault=PasswordFault.LENGTH)
        if self._is_common(password):
            raise PasswordRefused("This password is one of the most common ones.", fault=PasswordFault.COMMON)
        chosen, address = password.casefold(), email.casefold()
        if chosen in {address, address.partition("@")[0]}:
            detail = "A password must not be one's own e-mail address."
            raise PasswordRefused(detail, fault=PasswordFault.OWN_ADDRESS)
