"""What a person should do about a difference, in a sentence or two."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from schemas.books import DifferenceView, GivingBack
from schemas.ids import OrderId
from schemas.notifications import Price
from schemas.orders import stamp
from worker.books import DifferenceKind, Rule
from worker.runtime import Runtime
from worker.steps.give_back import may_give_back
from worker.store.tables_books import Handling


async def advised(
    found: Sequence[DifferenceView], runtime: Callable[[], AbstractAsyncContextManager[Runtime]]
) -> list[DifferenceView]:
    """The same, each with what to do about it. Opens a runtime only where it needs one."""
    ids = [
        OrderId(each.order_id)
        for each in found
        if each.order_id is not None and each.rule == Rule.ALERT and each.needs_person
    ]
    if not ids:
        return [_with(each, None) for each in found]
    async with runtime() as rt:
        answers = await may_give_back(ids, rt)
    unknown = GivingBack(known=False)
    return [
        _with(each, answers.get(OrderId(each.order_id), unknown) if each.order_id in ids else None)
        if each.order_id is not None
        else _with(each, None)
        for each in found
    ]


def _with(each: DifferenceView, giving_back: GivingBack | None) -> DifferenceView:
    told = each.model_copy(update={"giving_back": giving_back})
    return told.model_copy(update={"advice": _advice(told)})


def _advice(each: DifferenceView) -> str:
    if each.closed_at is not None:
        return "nothing: it is closed"
    if not each.needs_person:
        return _nothing_yet(each)
    return f"{_first(each)}. Then `orderline differences close {each.short_id} --why ...`"


def _first(each: DifferenceView) -> str:
    """What to do before it is closed."""
    ref = each.provider_ref or "it"
    match each.kind:
        case DifferenceKind.PRICE_DIFFERS:
            return f"{_give_back(each)}; or accept the price"
        case DifferenceKind.MISSING_HERE:
            return (
                f"find out who ordered {ref} at {each.provider}: no order of ours knows of it. Call"
                " it off there, unless somebody needs it"
            )
        case DifferenceKind.MISSING_THERE:
            return (
                f"ask {each.provider} what became of {ref}: their books do not have it, and here it"
                f" is {each.ours}. Order anew what was not delivered"
            )
        case DifferenceKind.SURPLUS_ORDER:
            return (
                f"give {ref} back at {each.provider}, or keep it: there it is {each.theirs}, and"
                f" here {each.ours}"
            )
        case _:
            return (
                f"ask {each.provider} about {ref}: there it is {each.theirs}, and here {each.ours},"
                " which can become that no more. Settle it with them"
            )


def _nothing_yet(each: DifferenceView) -> str:
    if each.handling == Handling.AGREED:
        return "nothing: asked about it, the provider says what our books say; its list lags"
    return "nothing: the next reconciliation asks the provider about it again"


def _give_back(each: DifferenceView) -> str:
    order = str(each.order_id)
    answer = each.giving_back
    paid = f"{shown(each.total)}, at most {shown(each.max_total)} was allowed"
    if answer is not None and answer.possible:
        until = "" if answer.until is None else f", until {stamp(answer.until)}"
        return f"it costs {paid}. Give it back by `orderline cancel {order}`{until}"
    if answer is None or not answer.known:
        why = "whether Orderline can give it back is not known here (its account or its intent)"
    else:
        why = f"`orderline cancel` cannot give it back: {answer.refusal}"
    return f"it costs {paid}. {why}; have {each.provider} take {each.provider_ref} back"


def shown(price: Price | None) -> str:
    """A price, or that there is none."""
    return "an unknown price" if price is None else f"{price.amount} {price.currency}"
