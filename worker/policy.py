"""When to try again, when to ask again, when to stop. Pure: values in, durations out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

THROTTLE_FLOOR = timedelta(seconds=1)
"""Full jitter may pick almost nothing; after a 429 that would hammer the provider."""

DELIVERY_SCHEDULE: tuple[timedelta, ...] = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Waits between the tries to deliver a notification: ten tries in about three days."""

DELIVERY_JITTER = 0.2
"""Each of those waits is stretched or shortened by up to this share."""

BREATHER = timedelta(minutes=1)
"""The least wait where a receiver has too much to do. One that did not answer in time may still be
at it: a repeat after seconds would make it do the same twice at once."""

LONGEST_REST = timedelta(hours=1)
"""For how long an endpoint may have all that goes there held back."""

_TOO_MANY = 429
_AWAY = 503

_MIN_LOOK_UPS = 3
_MIN_DEADLINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The waits of one installation, from its settings.

    ``absence_after`` is how long a call of unknown outcome may at least still come through.
    ``quote_window`` is how long a new quote may be acted on, ``requotes`` how often one may be
    asked for. ``max_tries`` is how often in a row one call may turn out not to have been made.
    """

    retry_base: timedelta
    retry_cap: timedelta
    retry_for: timedelta
    look_up_waits: Sequence[timedelta]
    absence_after: timedelta
    quote_window: timedelta = timedelta(minutes=10)
    requotes: int = 3
    max_tries: int = 50

    def retry_in(
        self,
        tries: int,
        chance: float,
        wish: timedelta | None = None,
        *,
        throttled: bool = False,
    ) -> timedelta:
        """The wait before try number ``tries + 1``: exponential, with full jitter.

        ``chance`` is uniform in [0, 1). ``wish`` is the provider's ``Retry-After``: the wait is
        never shorter, but a wish beyond the cap is cut to it. A provider that ``throttled`` gets
        half of the wait in any case, and only the other half is left to chance.
        """
        ceiling = min(self.retry_cap, self.retry_base * float(2 ** min(tries, 30)))
        wait = ceiling * ((1 + chance) / 2 if throttled else chance)
        if throttled or wish is not None:
            wait = max(wait, wish or THROTTLE_FLOOR, THROTTLE_FLOOR)
        return min(wait, self.retry_cap)

    def look_up_in(self, look_ups: int, doubtful_for: timedelta) -> timedelta | None:
        """The wait before the next look-up, or ``None`` after the last one.

        Callbacks bring look-ups forward and add to their number; neither ends them earlier.
        """
        if look_ups < len(self.look_up_waits):
            return self.look_up_waits[look_ups]
        left = sum(self.look_up_waits, timedelta()) - doubtful_for
        return left if left > timedelta() else None

    def absence_is_proof(
        self, look_ups: int, doubtful_for: timedelta, call_deadline: timedelta
    ) -> bool:
        """Whether an order that was looked up in vain this often and this late is not there.

        An order can appear late at its provider, so absence needs number *and* time.
        """
        return look_ups >= _MIN_LOOK_UPS and doubtful_for >= self.patience(call_deadline)

    def patience(self, call_deadline: timedelta) -> timedelta:
        """How long after its start a call of unknown outcome may still come through."""
        return max(self.absence_after, _MIN_DEADLINES * call_deadline)


def delivery_in(
    tries: int, chance: float, wish: timedelta | None = None, *, busy: bool = False
) -> timedelta | None:
    """The wait after the ``tries``-th failed delivery, or ``None`` when they are exhausted.

    ``wish`` (``Retry-After``) may stretch a wait to at most twice its length. A receiver that is
    ``busy`` and has no wish gets a ``BREATHER``.
    """
    if tries > len(DELIVERY_SCHEDULE):
        return None
    wait = DELIVERY_SCHEDULE[tries - 1]
    if wish is not None:
        return max(_jittered(wait, chance), min(wish, 2 * wait))
    if busy:
        wait = max(wait, BREATHER / (1 - DELIVERY_JITTER))
    return _jittered(wait, chance)


def rest_in(code: int | None, wish: timedelta | None) -> timedelta | None:
    """For how long nothing at all is sent to an endpoint that answered so; ``None``: it goes on.

    Only 429 and 503 speak of the receiver as a whole. ``wish`` is its ``Retry-After``.
    """
    if code == _TOO_MANY:
        return min(BREATHER if wish is None else wish, LONGEST_REST)
    if code == _AWAY and wish is not None:
        return min(wish, LONGEST_REST)
    return None


def _jittered(wait: timedelta, chance: float) -> timedelta:
    return wait * (1 + DELIVERY_JITTER * (2 * chance - 1))
