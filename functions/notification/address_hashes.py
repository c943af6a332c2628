"""Addresses that are known again, and not kept."""

import hmac


def address_hash(address: str, pepper: bytes) -> str:
    """What is kept of an e-mail address or a number: HMAC-SHA256 under the pepper, in hexadecimal (64 characters).

    Upper and lower case are the same: no mailbox of our time tells them apart, whatever RFC 5321 allows.
    """
    return hmac.digest(pepper, address.strip().lower().encode(), "sha256").hex()
