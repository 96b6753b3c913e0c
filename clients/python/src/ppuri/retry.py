"""When a call is made again: only what is safe, as long as there is time, and not against a server that is down."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .errors import PpuriError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How calls are made again. Times are in seconds."""

    #: The first attempt counts; 1 never makes a call again. Without it time and the budget are the limits.
    max_attempts: int | None = None
    #: How long one attempt may take; a server gives up after 9 s.
    attempt_timeout: float = 10.0
    #: The pause before the second attempt is drawn from 0 to this, and from 0 to twice as much for each later one.
    first_pause: float = 0.1
    longest_pause: float = 5.0


#: One attempt only.
NO_RETRIES = RetryPolicy(max_attempts=1)

#: No answer came, or none of ppuri's: it is not known what became of the call.
_UNKNOWN_OUTCOME = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
#: The same where the answer is not ppuri's: a connection that breaks shows as any of these.
_BROKEN_CONNECTION = frozenset({"UNKNOWN", "INTERNAL", "CANCELLED"})
#: Reasons after which the same call under the same key, signed again, may succeed. A proxy that sends the same bytes
#: twice causes NONCE_REUSED, which says nothing about the first of them.
_RETRYABLE_REASONS = frozenset({"CONFLICT", "NONCE_REUSED"})
#: A later attempt of the same call was refused, or signed in the same second. Of the first attempt it says something
#: that the caller has to know: another program was told that nothing was posted under this key.
_SUPERSEDED = "ATTEMPT_SUPERSEDED"


def _has_no_answer(error: PpuriError) -> bool:
    return error.status in _UNKNOWN_OUTCOME or (error.code == "" and error.status in _BROKEN_CONNECTION)


def is_retryable(error: PpuriError, made: int) -> bool:
    """Whether the same call, signed again, may get another answer after so many attempts."""
    is_limited = error.status == "RESOURCE_EXHAUSTED" and error.retry_after is not None
    is_superseded = error.reason == _SUPERSEDED and made > 1
    return _has_no_answer(error) or is_limited or is_superseded or error.reason in _RETRYABLE_REASONS


class RetryBudget:
    """Keeps clients from hammering a server that is down, as retryThrottling of gRPC does (gRFC A6).

    A call that gets no answer takes a token, and one that succeeds brings `ratio` tokens back, up to `max_tokens`. Calls
    are made again while more than half of the tokens are there: against a dead server `max_tokens` / 2 times in all, for
    all calls of the connection together, and in the long run once for every 1 / `ratio` successes.
    """

    def __init__(self, max_tokens: float = 100, ratio: float = 0.1) -> None:
        self._max = max_tokens
        self._ratio = ratio
        self._tokens = float(max_tokens)
        self._lock = threading.Lock()

    def succeeded(self) -> None:
        """Notes a call that was answered with OK."""
        with self._lock:
            self._tokens = min(self._max, self._tokens + self._ratio)

    def allows_retry(self, error: PpuriError) -> bool:
        """Notes a call that failed, and says whether it may be made again. Answers that ask to wait cost nothing."""
        if not _has_no_answer(error):
            return True
        with self._lock:
            self._tokens = max(0.0, self._tokens - 1)
            return self._tokens > self._max / 2


def pause_before(attempt: int, error: PpuriError, policy: RetryPolicy) -> float:
    """How long to wait before an attempt, the second being 2: at least as long as the error says, and full jitter."""
    longest = min(policy.longest_pause, policy.first_pause * 2 ** (attempt - 2))
    return (error.retry_after or 0.0) + random.uniform(0, longest)


def next_pause(made: int, error: PpuriError, policy: RetryPolicy, budget: RetryBudget, deadline: float) -> float | None:
    """How long to wait until the call is made again after so many attempts; None when it is not.

    `deadline` is a time of time.monotonic().
    """
    is_last = policy.max_attempts is not None and made >= policy.max_attempts
    if not is_retryable(error, made) or not budget.allows_retry(error) or is_last:
        return None
    pause = pause_before(made + 1, error, policy)
    return pause if time.monotonic() + pause < deadline else None


def with_retries(
    attempt: Callable[[float], T],
    *,
    policy: RetryPolicy,
    budget: RetryBudget,
    timeout: float,
    is_repeatable: bool,
) -> T:
    """Makes attempts until one succeeds. `attempt` gets its timeout in seconds; the last error is raised."""
    deadline = time.monotonic() + timeout
    made = 0
    while True:
        made += 1
        try:
            result = attempt(max(0.001, min(policy.attempt_timeout, deadline - time.monotonic())))
        except PpuriError as error:
            error.attempts = made
            pause = next_pause(made, error, policy, budget, deadline)
            if pause is None or not is_repeatable:
                raise
            time.sleep(pause)
        else:
            budget.succeeded()
            return result
