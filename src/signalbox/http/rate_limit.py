"""A token bucket for each account, in this process. Headers as in draft-ietf-httpapi-ratelimit-headers."""

import math
import time
from typing import Final

from signalbox.ground.errors import TooMany
from signalbox.ground.setting_forms import RateLimit
from signalbox.http.request import Headers

_MOST_ACCOUNTS: Final = 100_000


class RateLimiter:
    """A bucket of `requests` tokens for each account, refilled evenly within `seconds`."""

    def __init__(self, limit: RateLimit) -> None:
        self._quota = limit.requests
        self._rate = limit.requests / limit.seconds
        self._policy = f'"account";q={limit.requests};w={limit.seconds}'.encode()
        # The tokens left, and the monotonic time at which they were counted.
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, account_id: int, headers: Headers) -> None:
        """Takes one token, and adds the rate limit headers. Raises TooMany when there is no token."""
        now = time.monotonic()
        tokens, since = self._buckets.get(account_id, (float(self._quota), now))
        tokens = min(self._quota, tokens + (now - since) * self._rate)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
        if len(self._buckets) >= _MOST_ACCOUNTS:
            self._forget_full(now)
        self._buckets[account_id] = tokens, now
        # `t` of the draft: the seconds until there is one more token.
        wait = max(1, math.ceil((1 - tokens % 1) / self._rate))
        headers += [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", f'"account";r={int(tokens)};t={wait}'.encode()),
        ]
        if not allowed:
            raise TooMany(f"the rate limit is used up; try again in {wait} s", retry_after=wait)

    def _forget_full(self, now: float) -> None:
        """Removes full buckets: an account without a bucket has all its tokens."""
        self._buckets = {
            account: (tokens, since)
            for account, (tokens, since) in self._buckets.items()
            if tokens + (now - since) * self._rate < self._quota
        }
