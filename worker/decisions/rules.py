"""What every decision stands on, and the questions it answers alone."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from worker.capabilities import MADE_ANEW, SENT_AGAIN, Capabilities, Doubt
from worker.change import Change
from worker.lifecycle import UNDER_WAY, OrderState, Step
from worker.order import Claimed
from worker.outcome import InDoubt, NotSent, OutcomeName
from worker.policy import Policy
from worker.verdicts import WINDOW_CLOSED, change_of, expired, gave_up, quoted_anew

AT_ONCE: Final = timedelta(0)

BUDGET_SPENT: Final = "the account's retry budget is spent"

_POLLS_IN_A_LIFE: Final = 50
_RAREST_POLL: Final = timedelta(hours=1)

_LAST_CHANCE: Final = timedelta(seconds=1)
"""From being due to being attempted: a bell, a claim, a token, at worst the sweep's second."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one provider account, for one order.

    ``call_deadline`` is its longest call; ``needs`` is how much of a quote's window must be left
    for a call to be begun.
    """

    capabilities: Capabilities
    policy: Policy
    call_deadline: timedelta
    needs: timedelta

    def after(self, step: Step | None) -> Doubt:
        """What an unknown outcome of this call allows."""
        match step:
            case Step.CONFIRM if self.capabilities.after_confirm is not None:
                return self.capabilities.after_confirm
            case Step.CANCEL if self.capabilities.after_cancel is not None:
                return self.capabilities.after_cancel
            case _:
                return self.capabilities.after_place

    def commits(self, step: Step) -> bool:
        """Whether this call may commit money."""
        if step is Step.PLACE:
            return self.capabilities.buys and not self.capabilities.two_phase
        return step is Step.CONFIRM

    def window_of(self, step: Step) -> timedelta | None:
        """How much of a quote's window this call needs; calling off needs none."""
        return None if step is Step.CANCEL else self.needs

    def unsettled(self, claimed: Claimed, step: Step) -> bool:
        """Whether this very call has an unknown outcome, and must not be made anew beside it.

        That holds whatever the account allowed when the call was made: it may be set otherwise now.
        """
        return (
            claimed.attempt_step is step
            and claimed.attempt_outcome is OutcomeName.IN_DOUBT
            and self.after(step) not in MADE_ANEW
        )

    def sends_again(self, claimed: Claimed, step: Step) -> bool:
        """Whether the newest attempt's request may be sent once more: not too often, not too late.

        An order is older than its requests, so its age bounds how old they are.
        """
        if self.after(step) not in SENT_AGAIN or claimed.attempt is None:
            return False
        within = claimed.age < self.capabilities.replay_for
        return within and claimed.attempt.sends <= self.capabilities.repeats

    def lapsed(self, claimed: Claimed, why: str = WINDOW_CLOSED) -> Change:
        """What becomes of an order whose quote has ended, where nothing of it is in doubt."""
        again = (
            claimed.may_requote
            and self.capabilities.two_phase
            and claimed.cancel_asked_at is None
            and claimed.requotes < self.policy.requotes
        )
        if again:
            return quoted_anew(claimed, self.policy.quote_window, why)
        return expired(claimed, why)

    def over(self, claimed: Claimed, last: str) -> Change | None:
        """How the order ends unbought, or is quoted anew, once no time is left for a call."""
        if claimed.expires_at is not None:
            left = claimed.expires_at - claimed.now
            return self.lapsed(claimed) if left < self.needs else None
        after = self.policy.retry_for
        return gave_up(claimed, after, last) if claimed.age >= after else None

    def wait_after(self, claimed: Claimed, outcome: NotSent | InDoubt, chance: float) -> timedelta:
        """How long to wait before the next try, as far as this one's outcome says it."""
        if isinstance(outcome, InDoubt):
            return self.policy.retry_in(claimed.tries, chance)
        return self.policy.retry_in(
            claimed.tries, chance, outcome.retry_after, throttled=outcome.throttled
        )

    def exhausted(self, claimed: Claimed, last: str) -> Change | None:
        """How the order ends once its call was not made too often in a row."""
        tries = claimed.tries + 1
        return gave_up(claimed, f"{tries} tries", last) if tries >= self.policy.max_tries else None

    def next_try(self, claimed: Claimed, step: Step, wait: timedelta, reason: str) -> Change:
        """The same call once more, as far as a quote's window leaves room for it.

        A wait that would reach to where no call fits any more ends a little before that.
        """
        wait = min(wait, self._room(claimed, step))
        doubtful = self.unsettled(claimed, step)
        return change_of(
            claimed,
            state=OrderState.IN_DOUBT if doubtful else UNDER_WAY[step],
            step=step,
            due_in=max(wait, AT_ONCE),
            tries=claimed.tries + 1,
            reason=reason,
        )

    def put_off(self, claimed: Claimed, step: Step, change: Change, until: timedelta) -> Change:
        """The same retry, begun no sooner than ``until``: the account's budget has no place before.

        That takes no order its last chance.
        """
        due_in = min(until, self._room(claimed, step))
        if change.due_in is None or due_in <= change.due_in:
            return change
        return replace(change, due_in=due_in, reason=f"{change.reason}; {BUDGET_SPENT}")

    def _room(self, claimed: Claimed, step: Step) -> timedelta:
        """How long a call may be waited for, so that it can still be made."""
        if step is Step.CANCEL:
            room = self.policy.retry_for - (claimed.now - (claimed.cancel_asked_at or claimed.now))
        elif claimed.expires_at is not None:
            room = claimed.expires_at - claimed.now - self.needs
        else:
            room = self.policy.retry_for - claimed.age
        return room - _LAST_CHANCE if room > _LAST_CHANCE else room

    def poll_in(self, claimed: Claimed, polls: int) -> timedelta:
        """The wait before the next poll, after so many in a row.

        The provider's last wait repeats, until the order is so old that it is asked after by its
        age: what has not happened for a day will hardly happen within half a minute.
        """
        waits = self.capabilities.poll_every
        by_age = min(claimed.age / _POLLS_IN_A_LIFE, _RAREST_POLL)
        return max(waits[min(polls, len(waits) - 1)], by_age)

    def patience_left(self, claimed: Claimed) -> timedelta:
        """How much longer the newest call may still come through."""
        return self.policy.patience(self.call_deadline) - claimed.since_attempt
