"""Bodies about revenue. Amounts are in minor units: cents of a currency that has them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, PlainSerializer, StringConstraints, WithJsonSchema

from billing.revenue.models import Month
from llmo_core.currencies import Currency
from llmo_core.model import Model
from llmo_core.money import decimal_text

type Percentage = Annotated[
    Decimal,
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["2.5"]}),
]
type MonthName = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
"""A month as it is asked for: 2026-11."""


class RevenueQuery(Model):
    """Which months."""

    first: Annotated[MonthName | None, Field(description="The first one; else the eleventh before the last one.")] = (
        None
    )
    last: Annotated[MonthName | None, Field(description="The last one; else the present one.")] = None


def day_of(name: MonthName | None) -> date | None:
    """A month's first day."""
    return date.fromisoformat(f"{name}-01") if name is not None else None


class RevenueMonth(Model):
    """A month's revenue in a currency, of all customers together."""

    month: Annotated[str, Field(examples=["2026-11"])]
    until: Annotated[datetime, Field(description="What is known of it: its end (UTC), or now.")]
    complete: Annotated[bool, Field(description="Whether it has ended, and what its end brought is invoiced.")]
    currency: Currency
    mrr: Annotated[int, Field(description="Fees and seats per month at the end, without taxes and usage.")]
    arr: Annotated[int, Field(description="Twelve times that.")]
    new_mrr: Annotated[int, Field(description="Of customers who had none before.")]
    reactivated_mrr: Annotated[int, Field(description="Of customers who have come back.")]
    expansion_mrr: int
    contraction_mrr: int
    churned_mrr: Annotated[int, Field(description="Of customers of whom nothing recurs any more.")]
    customers: int
    new_customers: int
    reactivated_customers: int
    churned_customers: int
    customer_churn_percent: Annotated[
        Percentage | None, Field(description="Of the customers at the beginning; null where there were none.")
    ]
    revenue_churn_percent: Annotated[
        Percentage | None, Field(description="What was lost to churn and contraction, of MRR at the beginning.")
    ]
    arpa: Annotated[int | None, Field(description="MRR per customer; null without customers.")]
    revenue: Annotated[
        int,
        Field(
            description="Invoiced in the month without taxes, usage included, less what was credited, and less what was"
            " refunded or lost in disputes without a credit note."
        ),
    ]
    taxes: int
    collected: Annotated[int, Field(description="Money that came, for invoices and for prepaid credit.")]
    returned: Annotated[int, Field(description="Money that went back, less refunds that failed.")]
    written_off: int
    outstanding: Annotated[int, Field(description="What was owed at the end.")]
    prepaid: Annotated[int, Field(description="Credit that customers had at the end.")]

    @classmethod
    def of(cls, month: Month) -> Self:
        """Show a month."""
        moved = month.movement
        return cls(
            month=f"{month.month:%Y-%m}",
            mrr=moved.recurring,
            arr=month.annual,
            new_mrr=moved.new,
            reactivated_mrr=moved.reactivated,
            expansion_mrr=moved.expanded,
            contraction_mrr=moved.contracted,
            churned_mrr=moved.churned,
            customer_churn_percent=month.customer_churn,
            revenue_churn_percent=month.revenue_churn,
            arpa=month.per_customer,
            revenue=month.earned,
            **{name: getattr(moved, name) for name in cls.model_fields if name.endswith("customers")},
            **{name: getattr(month, name) for name in _AS_THEY_ARE},
        )


_AS_THEY_ARE = (
    "until",
    "complete",
    "currency",
    "taxes",
    "collected",
    "returned",
    "written_off",
    "outstanding",
    "prepaid",
)


class RevenueOut(Model):
    """Months with their revenue, by month, then by currency."""

    data: list[RevenueMonth]
