"""Erased people with their adapter."""

from functools import cache

from analytics import wiring as shared
from analytics.erasures.repository import MongoErasures


@cache
def erasures() -> MongoErasures:
    """Who was erased."""
    return MongoErasures(shared.database())


shared.forgotten_on_close(erasures.cache_clear)
