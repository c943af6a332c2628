"""What a month costs on AWS, by what is called and what stands there all the time.

Prices are AWS's list prices of us-east-1 in US dollars, without free tiers, savings plans and taxes; look them up for
another region: https://aws.amazon.com/pricing/. Providers of models are paid besides, and cost far more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HOURS: Final = 730  # of a month

LAMBDA_GB_SECOND: Final = 0.0000133334  # arm64
LAMBDA_REQUESTS: Final = 0.20  # a million, as all below that say so
API_REQUESTS: Final = 3.50  # REST API
WAF_REQUESTS: Final = 0.60
EVENTS: Final = 1.00
QUEUE_REQUESTS: Final = 0.40
LOG_GB: Final = 0.50
CACHE_ECPUS: Final = 0.0023
CACHE_GB_HOUR: Final = 0.084
ACU_HOUR: Final = 0.12
PROXY_ACU_HOUR: Final = 0.015
PROXY_LEAST_ACUS: Final = 8
DOCUMENTS_HOUR: Final = {"db.t4g.medium": 0.076, "db.r6g.large": 0.26}
STORAGE_GB: Final = 0.10
NAT_HOUR: Final = 0.045
FARGATE_HOUR: Final = 0.5 * 0.03238 + 1.0 * 0.00356  # half a processor and 1 GB, arm64
ALARM: Final = 0.10
DASHBOARD: Final = 3.00
SECRET: Final = 0.40
KEY: Final = 1.00

GATEWAY_GB: Final = 1.0
AUTHORIZED_GB_SECONDS: Final = 0.5 * 0.010 / 10  # the authorizer's answer is kept: one request of ten asks
MANAGEMENT_GB_SECONDS: Final = 0.5 * 0.030
CONSUMERS_GB_SECONDS: Final = 4 * 0.5 * 0.020  # analytics, billing, budgets, traces: batches of ten and more
EVENT_MESSAGES: Final = 3  # queues that a usage event goes to
LOG_KB: Final = 2.0  # a call, with the access log
ALARMS, DASHBOARDS, SECRETS, KEYS = 200, 7, 23, 5


@dataclass(frozen=True, slots=True)
class Size:
    """A deployment.

    Attributes:
        name: What it is called.
        calls: Of models, a month.
        seconds: How long a call takes, which its execution lasts.
        management: Requests to the management APIs, a month.
        acus: Aurora's capacity units on average, of all instances.
        documents: DocumentDB's instances, by class.
        nats: NAT gateways.
        cache_gb: In Valkey.
        stored_gb: In databases.
    """

    name: str
    calls: int
    management: int
    acus: float
    documents: tuple[str, int]
    nats: int
    cache_gb: float
    stored_gb: float
    seconds: float = 3.0


SIZES: Final = (
    Size("a team", 100_000, 100_000, 1.0, ("db.t4g.medium", 1), 1, 0.1, 20),
    Size("a company", 3_000_000, 2_000_000, 4.0, ("db.r6g.large", 3), 3, 2, 300),
    Size("10,000 users at once", 300_000_000, 60_000_000, 40.0, ("db.r6g.large", 6), 3, 60, 6000),
)


def per_million_calls(seconds: float) -> Mapping[str, float]:
    """What a million calls cost that take so long, in US dollars, by what for."""
    return {
        "gateway, waiting for the model": seconds * GATEWAY_GB * LAMBDA_GB_SECOND * 1e6 + LAMBDA_REQUESTS,
        "API Gateway and WAF": API_REQUESTS + WAF_REQUESTS,
        "events and queues": EVENTS + EVENT_MESSAGES * 3 * QUEUE_REQUESTS / 10,
        "consumers": CONSUMERS_GB_SECONDS / 10 * LAMBDA_GB_SECOND * 1e6 + 4 * LAMBDA_REQUESTS / 10,
        "logs": LOG_KB / 1e6 * 1e6 * LOG_GB,
        "cache": 10 * CACHE_ECPUS,
    }


def per_million_management_requests() -> float:
    """What a million requests to management APIs cost, in US dollars."""
    computed = (MANAGEMENT_GB_SECONDS + AUTHORIZED_GB_SECONDS) * LAMBDA_GB_SECOND * 1e6
    return API_REQUESTS + WAF_REQUESTS + 1.1 * LAMBDA_REQUESTS + computed + LOG_KB * LOG_GB


def standing(size: Size) -> Mapping[str, float]:
    """What stands there all the month, in US dollars, by what."""
    kind, instances = size.documents
    return {
        "Aurora": size.acus * ACU_HOUR * HOURS,
        "RDS Proxy": max(PROXY_LEAST_ACUS, size.acus) * PROXY_ACU_HOUR * HOURS,
        "DocumentDB": instances * DOCUMENTS_HOUR[kind] * HOURS,
        "Valkey": max(0.1, size.cache_gb) * CACHE_GB_HOUR * HOURS,
        "storage": size.stored_gb * STORAGE_GB * 2,  # with its backups
        "NAT": size.nats * NAT_HOUR * HOURS,
        "alarms, dashboards, secrets, keys": ALARMS * ALARM + DASHBOARDS * DASHBOARD + SECRETS * SECRET + KEYS * KEY,
    }


def monthly(size: Size) -> float:
    """What a month costs in all, in US dollars."""
    calls = sum(per_million_calls(size.seconds).values()) * size.calls / 1e6
    return calls + per_million_management_requests() * size.management / 1e6 + sum(standing(size).values())


def container_break_even(seconds: float, tasks: int = 2) -> float:
    """From how many calls a month on so many containers of the gateway cost less than executions that wait."""
    waiting = per_million_calls(seconds)["gateway, waiting for the model"] / 1e6
    return tasks * FARGATE_HOUR * HOURS / waiting
