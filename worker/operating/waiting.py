"""What waits for a person, with what may be decided about each."""

from collections.abc import Sequence
from typing import Final

from schemas.ids import OrderId
from schemas.parked import ChoiceView, ParkedView
from worker.decisions.resolutions import Choice
from worker.runtime import Runtime
from worker.steps.resolve import consider

_UNCONFIGURED: Final = "its account is not configured here, so what may be decided is not known"


async def considered(rt: Runtime, found: Sequence[ParkedView]) -> list[ParkedView]:
    """The same, with what may be decided about each."""
    ids = [OrderId(waiting.order.order_id) for waiting in found]
    choices = await consider(ids, rt)
    return [
        _with_choices(waiting, choices.get(order_id))
        for order_id, waiting in zip(ids, found, strict=True)
    ]


def _with_choices(waiting: ParkedView, choices: Sequence[Choice] | None) -> ParkedView:
    views = tuple(
        ChoiceView(decision=choice.resolution, means=choice.means, refusal=choice.refusal)
        for choice in choices or ()
    )
    unknown = choices is None and waiting.order.parked_reason is not None
    hint = _UNCONFIGURED if unknown else None
    return waiting.model_copy(update={"choices": views, "hint": hint})
