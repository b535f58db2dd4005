"""A provider as it is in the models: what it holds of our one order, and what is on its way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from schemas.money import Money
from worker.capabilities import Capabilities, Doubt
from worker.lifecycle import Step
from worker.order import Attempted
from worker.outcome import Confirmed, InDoubt, Outcome, RefusalCode, Refused

LATEST = timedelta(minutes=10) - timedelta(seconds=1)
"""Until when after its attempt a call may still be carried out: what the policy relies on."""


_PRICE = Money(Decimal(10), "EUR")


@dataclass
class OnItsWay:
    """A call that will be carried out, at the latest then."""

    at_last: datetime
    buys: Callable[[], bool]
    land: Callable[[], object]


@dataclass
class Remote:
    """The provider. What it holds of our one order, and what is still on its way to it."""

    capabilities: Capabilities
    reserved: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    answered: dict[str, Outcome] = field(default_factory=dict)
    on_its_way: list[OnItsWay] = field(default_factory=list)
    called_off: bool = False

    def hear(self, ref: str | None, attempt: Attempted, *, says_no: bool = False) -> Outcome:
        """Carry a call out; one that is known again is answered as it was the first time."""
        step, known = attempt.step, self.answered.get(attempt.reference)
        if known is not None and self.after(step) is Doubt.REPLAY:
            return known
        answer: Outcome = Refused(RefusalCode.OTHER, "no")
        if not says_no:
            answer = self._carry_out(step, ref)
        self.answered[attempt.reference] = answer
        return answer

    def _carry_out(self, step: Step, ref: str | None) -> Outcome:
        if step is Step.CANCEL:
            self.called_off = self.called_off or bool(self.live)
            self.live.clear()
            return Confirmed(None)
        if step is Step.PLACE:
            ref = f"order-{len(self.reserved) + len(self.live)}"
            (self.reserved if self.capabilities.two_phase else self.live).append(ref)
            return Confirmed(ref, total=_PRICE)
        assert ref is not None
        if self.capabilities.after_confirm is Doubt.LOOK_UP_ONCE and ref in self.live:
            return InDoubt("confirmed before")  # a repeat is refused where one look is enough
        self.live.append(ref)
        return Confirmed(ref)

    def buys(self, attempt: Attempted) -> bool:
        """Whether this call, if it is carried out now, costs money."""
        if self.after(attempt.step) is Doubt.REPLAY and attempt.reference in self.answered:
            return False
        if attempt.step is Step.CANCEL:
            return False
        return attempt.step is Step.CONFIRM or not self.capabilities.two_phase

    def after(self, step: Step) -> Doubt | None:
        capabilities = self.capabilities
        return {
            Step.PLACE: capabilities.after_place,
            Step.CONFIRM: capabilities.after_confirm,
            Step.CANCEL: capabilities.after_cancel,
        }[step]

    def catch_up(self, now: datetime, *, everything: bool = False) -> None:
        """Carry out what has arrived by now."""
        due = [each for each in self.on_its_way if everything or each.at_last <= now]
        self.on_its_way = [each for each in self.on_its_way if each not in due]
        for each in due:
            each.land()
