"""What is answered to calls that are over a limit or a budget."""

from enum import StrEnum
from typing import Final

from llmo_core import errors


class LimitKind(StrEnum):
    """What a rate limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    TOKENS_DAY = "tokens_day"

    @property
    def counted(self) -> str:
        """As OpenAI's headers and error types name it."""
        return "requests" if self is LimitKind.REQUESTS else "tokens"

    @property
    def words(self) -> str:
        """As OpenAI's messages do."""
        return _IN_WORDS[self]


_IN_WORDS: Final = {
    LimitKind.REQUESTS: "requests per min (RPM)",
    LimitKind.TOKENS: "tokens per min (TPM)",
    LimitKind.TOKENS_DAY: "tokens per day (TPD)",
}
_WHOSE: Final = {
    "organization": "this organization",
    "project": "this project",
    "key": "this key",
    "end_user": "this user",
}
_SPANS: Final = {"day": "daily", "week": "weekly", "month": "monthly", "total": "total"}


class RateLimited(errors.TooManyRequests):
    """The caller is over a rate limit, of the API key or of what the organization has set."""

    def __init__(
        self,
        kind: LimitKind,
        *,
        limit: int,
        retry_after_seconds: float,
        requested: int,
        scope: str = "key",
        why: str = "",
    ) -> None:
        super().__init__(
            f"Rate limit reached for {_WHOSE[scope]} on {kind.words}: Limit {limit}, Requested {requested}. "
            f"{why}Please try again in {retry_after_seconds:.3f}s.",
            retry_after_seconds=retry_after_seconds,
        )
        self.kind = kind
        self.limit = limit


class CallTooLarge(errors.TooManyRequests):
    """One call needs more tokens than a limit allows at all: only a smaller call or a larger limit helps.

    It carries `Retry-After` like every 429, so that clients back off as they do for the others.
    """

    def __init__(self, kind: LimitKind, *, limit: int, requested: int) -> None:
        super().__init__(
            f"Request too large on {kind.words}: Limit {limit}, Requested {requested}. "
            "The input or output tokens must be reduced in order to run successfully."
        )


class TooManyAtOnce(errors.TooManyRequests):
    """As many calls are under way as may be."""

    def __init__(self, scope: str, *, limit: int) -> None:
        super().__init__(
            f"Rate limit reached for {_WHOSE[scope]} on concurrent requests: Limit {limit}. Please try again.",
            retry_after_seconds=1.0,
        )


class BudgetExceeded(errors.TooManyRequests):
    """The call could cost more than what is left of a budget."""

    def __init__(self, scope: str, window: str, *, retry_after_seconds: float) -> None:
        super().__init__(
            f"You exceeded the {_SPANS[window]} budget of {_WHOSE[scope]}, or the most this call could cost does. "
            "A lower max_completion_tokens lowers that"
            + ("." if window == "total" else f"; the budget starts anew next {window}."),
            retry_after_seconds=retry_after_seconds,
        )


class SpendCapReached(BudgetExceeded):
    """The call could cost more than what is left of the most that the organization wants to spend in a month."""

    def __init__(self, *, retry_after_seconds: float) -> None:
        errors.TooManyRequests.__init__(
            self,
            "You reached the spend cap of your organization for this month, or the most this call could cost does. "
            "A lower max_completion_tokens lowers that; the cap can be raised (PUT /api/v1/billing/spend-cap), and "
            "starts anew next month.",
            retry_after_seconds=retry_after_seconds,
        )


class PrepaidCreditUsedUp(BudgetExceeded):
    """The call could cost more than what is left of what the organization has paid for in advance."""

    def __init__(self, *, retry_after_seconds: float) -> None:
        errors.TooManyRequests.__init__(
            self,
            "The prepaid credit of your organization is used up, or is less than the most this call could cost. "
            "A lower max_completion_tokens lowers that; top up the credit "
            "(POST /api/v1/billing/wallets/{id}/top-ups), and calls are answered again.",
            retry_after_seconds=retry_after_seconds,
        )


class BudgetReserved(errors.TooManyRequests):
    """What is left of a budget is set aside for calls under way; it may be free again when they end."""

    def __init__(self, scope: str, window: str, *, which: str | None = None) -> None:
        which = which or f"the {_SPANS[window]} budget of {_WHOSE[scope]}"
        super().__init__(
            f"What is left of {which} is set aside for calls under way. Please try again.",
            retry_after_seconds=1.0,
        )
