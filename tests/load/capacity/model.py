"""What Lambda does with the requests of people who think in between: a simulation, event by event.

One request has an execution environment to itself. A free one is taken; else one is started, which takes as long as a
cold start does; where no more may be started, the request is refused and its user asks again later. How many may be
started is bounded twice: by the concurrency that there is, and by how fast Lambda adds environments to one function,
1,000 every ten seconds (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html#scaling-rate).
"""

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Final

SCALING_STEP: Final = 1000
SCALING_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 300.0
"""After how long without a request an environment is taken away: Lambda says nothing of it; minutes are observed."""


@dataclass(frozen=True, slots=True)
class Load:
    """Who asks, and what takes how long; times in seconds.

    Attributes:
        users: How many there are at once.
        think: The mean time between an answer and the next request, exponentially distributed.
        serve: The median time of an answer.
        spread: Its standard deviation as a logarithm: answers are log-normally distributed.
        cold: What a start of an environment adds.
        arrive: Over how long the users come, evenly.
        last: How long it is looked at.
        concurrency: How many environments there may be.
        retry: How long after a refusal a user asks again.
    """

    users: int
    think: float = 30.0
    serve: float = 2.5
    spread: float = 0.6
    cold: float = 0.6
    arrive: float = 60.0
    last: float = 300.0
    concurrency: int = 3000
    retry: float = 1.0

    @property
    def mean_serve(self) -> float:
        """The mean time of an answer."""
        return self.serve * math.exp(self.spread**2 / 2)

    @property
    def expected(self) -> float:
        """Little's law: how many requests are under way at once, when nobody waits for an environment."""
        return self.users * self.mean_serve / (self.mean_serve + self.think)


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        latencies: Of each answered request, with its cold start and the time lost to refusals.
        cold_starts: How many requests waited for an environment's start.
        refused: How many were refused.
        busy: How many environments served at each second.
        environments: How many there were at each second.
    """

    latencies: list[float] = field(default_factory=list)
    cold_starts: int = 0
    refused: int = 0
    busy: list[int] = field(default_factory=list)
    environments: list[int] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """Of the latencies; 0 without any."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0

    def steady(self) -> float:
        """The mean of how many served at once, in the second half."""
        half = self.busy[len(self.busy) // 2 :]
        return sum(half) / len(half)


class _Environments:
    """Environments that are there, and whether one may be started."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._idle: deque[float] = deque()  # since when, the longest first
        self._started: deque[float] = deque()
        self.busy = 0

    def __len__(self) -> int:
        return self.busy + len(self._idle)

    def take(self, now: float) -> bool | None:
        """Whether the one that is taken has to start first; None where there is none."""
        while self._idle and self._idle[0] < now - IDLE_SECONDS:
            self._idle.popleft()
        if self._idle:
            self._idle.pop()
            self.busy += 1
            return False
        while self._started and self._started[0] <= now - SCALING_SECONDS:
            self._started.popleft()
        if len(self) >= self._concurrency or len(self._started) >= SCALING_STEP:
            return None
        self._started.append(now)
        self.busy += 1
        return True

    def give_back(self, now: float) -> None:
        self.busy -= 1
        self._idle.append(now)


def simulate(load: Load, seed: int = 1) -> Outcome:
    """Have the users ask, from the first one's coming to the end. The same seed has the same outcome."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    environments, outcome = _Environments(load.concurrency), Outcome()
    # (when, which came first, what, since when the user waits)
    events = [(load.arrive * user / load.users, user, "ask", math.nan) for user in range(load.users)]
    heapq.heapify(events)
    number, second = load.users, 0.0
    while events and events[0][0] < load.last:
        now, _, what, since = heapq.heappop(events)
        while second <= now:
            outcome.busy.append(environments.busy)
            outcome.environments.append(len(environments))
            second += 1
        number += 1
        if what == "done":
            environments.give_back(now)
            outcome.latencies.append(now - since)
            heapq.heappush(events, (now + draw.expovariate(1 / load.think), number, "ask", math.nan))
            continue
        since = now if math.isnan(since) else since
        starts = environments.take(now)
        if starts is None:
            outcome.refused += 1
            heapq.heappush(events, (now + load.retry * (0.5 + draw.random()), number, "ask", since))
        else:
            outcome.cold_starts += starts
            takes = draw.lognormvariate(math.log(load.serve), load.spread) + (load.cold if starts else 0)
            heapq.heappush(events, (now + takes, number, "done", since))
    return outcome
