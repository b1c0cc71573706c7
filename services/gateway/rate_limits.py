"""How often one principal may ask: a bucket each, filled by time, in this process's memory."""

from collections import OrderedDict
from collections.abc import Callable

from services.permissions import Principal
from services.refusals import TooMany


class Buckets:
    """Token buckets by principal. The least lately used are forgotten, which fills them."""

    def __init__(
        self, per_second: float, burst: float, kept: int, monotonic: Callable[[], float]
    ) -> None:
        self._per_second = per_second
        self._burst = max(1.0, burst)
        self._kept = kept
        self._monotonic = monotonic
        self._buckets: OrderedDict[tuple[str, str, str], tuple[float, float]] = OrderedDict()

    def take(self, principal: Principal) -> bool:
        """Whether there was a token left."""
        return self.missing_seconds(principal) == 0.0

    def missing_seconds(self, principal: Principal) -> float:
        """0, and a token is taken; else how long until there is one."""
        now = self._monotonic()
        name = (principal.organization, principal.kind, principal.id)
        tokens, since = self._buckets.get(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        if tokens < 1.0:
            self._buckets[name] = (tokens, now)
            return (1.0 - tokens) / self._per_second
        self._buckets[name] = (tokens - 1.0, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._kept:
            self._buckets.popitem(last=False)
        return 0.0

    def take_or_refuse(self, principal: Principal, what: str) -> None:
        missing = self.missing_seconds(principal)
        if missing:
            raise TooMany(what, missing, limit=int(self._burst))
