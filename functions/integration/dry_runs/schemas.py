"""Bodies of dry runs."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, PlainSerializer, model_validator

from integration.dry_runs.models import DryRun, Effect, Optimization
from integration.dry_runs.service import Wanted
from integration.gateway.organization import Policy
from integration.management.policies.schemas import PutPolicy
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_core.money import decimal_text, from_pico

_LONGEST = timedelta(days=31)
_USUAL = timedelta(days=7)
_HUNDRED = 100
_SAYS = {
    Optimization.SUBSTITUTE: "The same tokens at the substitute's price: another model writes more or less.",
    Optimization.TRIM: "The most that it would have saved: instructions and the latest turns always stay.",
    Optimization.CAP: "Tokens beyond the cap: those answers would have been cut off there.",
    Optimization.CACHE: "Calls that equal one before, within the time to live; negative where fewer would have been.",
}

type Dollars = Annotated[Decimal, PlainSerializer(decimal_text, return_type=str)]


class CreateDryRun(Model):
    """A policy that is only thought of, and the calls that are replayed against it: those of the last seven days."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"policy": {"substitute_models": {"gpt-4o": "gpt-4o-mini"}, "cache": "exact"}}]}
    )

    policy: PutPolicy
    project_id: UUID | None = Field(None, description="Only the calls of this project.")
    key_id: UUID | None = Field(None, description="Only the calls of this API key.")
    since: Moment | None = Field(None, description="Seven days before `until` unless it says otherwise.")
    until: Moment | None = Field(None, description="Now, unless it says otherwise.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and not self.since < self.until:
            raise ValueError("`since` must be before `until`")
        return self

    def wanted(self, org_id: UUID, *, now: datetime) -> Wanted:
        """Which calls are replayed; a month of them at most."""
        until = min(self.until or now, now)
        since = max(self.since or until - _USUAL, until - _LONGEST)
        return Wanted(org_id=org_id, project_id=self.project_id, key_id=self.key_id, since=since, until=until)

    def thought_of(self) -> Policy:
        """The policy, as the gateway has it."""
        rules = self.policy.wanted()
        return Policy(
            compact=rules.compact,
            trim_to_tokens=rules.trim_to_tokens,
            max_output_tokens=rules.max_output_tokens,
            prompt_cache=rules.prompt_cache,
            substitutes=rules.substitute_models,
            substitute_up_to=rules.substitute_up_to_tokens,
            cache=rules.cache,
            cache_any_temperature=rules.cache_any_temperature,
            cache_ttl=rules.cache_ttl_seconds,
            cache_namespace=rules.cache_namespace or "",
        )


class EffectOut(Model):
    """What one part of the policy would have done."""

    optimization: Optimization
    calls: int = Field(description="How many calls it would have changed.")
    tokens: int = Field(description="Tokens that would not have been needed.")
    saved_usd: Dollars
    says: str = Field(description="How to take the number.")

    @classmethod
    def of(cls, optimization: Optimization, effect: Effect) -> Self:
        """Show an effect."""
        return cls(
            optimization=optimization,
            calls=effect.calls,
            tokens=effect.tokens,
            saved_usd=from_pico(effect.saved_pico),
            says=_SAYS[optimization],
        )


class DryRunOut(Model):
    """What a policy would have saved. Nothing is changed by asking."""

    since: datetime
    until: datetime
    whole: bool = Field(description="Whether all calls were replayed; else the first 200,000, until `until`.")
    calls: int
    cost_usd: Dollars = Field(description="What they cost.")
    would_have_cost_usd: Dollars
    saved_usd: Dollars = Field(description="Negative when the policy saves less than the one that there was.")
    saved_percent: float | None = Field(description="Of the cost; null when there was none.")
    effects: list[EffectOut]
    left_out: dict[str, int] = Field(
        description=(
            "Calls that cost the same in both: those that `failed` or were blocked, and those of a model whose price "
            "today is not known (`unknown_price`)."
        )
    )
    not_estimated: list[str] = Field(description="Parts of the policy whose effect depends on what calls say.")

    @classmethod
    def of(cls, dry_run: DryRun) -> Self:
        """Show a dry run."""
        replayed = dry_run.replayed
        saved = replayed.cost_pico - replayed.replayed_pico
        percent = round(saved * _HUNDRED / replayed.cost_pico, 2) if replayed.cost_pico else None
        return cls(
            since=dry_run.since,
            until=dry_run.until,
            whole=dry_run.whole,
            calls=replayed.calls,
            cost_usd=from_pico(replayed.cost_pico),
            would_have_cost_usd=from_pico(replayed.replayed_pico),
            saved_usd=from_pico(saved),
            saved_percent=percent,
            effects=[EffectOut.of(each, replayed.effects[each]) for each in Optimization if each in replayed.effects],
            left_out={reason.value: count for reason, count in replayed.left_out.items()},
            not_estimated=list(dry_run.not_estimated),
        )
