"""``orderline cancel``."""

import asyncio
from enum import IntEnum
from typing import Annotated, Any, Final

import typer

from schemas.ids import OrderId, new_uuid
from schemas.orders import OrderStory
from worker.cli.named import OrderName, find_order
from worker.cli.operator import operator_name
from worker.cli.output import Json, print_json, say
from worker.cli.session import Session, opened
from worker.operating.hand import Hand
from worker.store import cancels
from worker.store.cancels import Wish
from worker.store.deeds import Act
from worker.store.tables_operators import Via
from worker.store.views_story import story

_LOOK_EVERY: Final = 0.2
_REFUSED: Final = "order.cancel_refused"


class Answer(IntEnum):
    """What the command ends with."""

    CALLED_OFF = 0
    REFUSED = 1
    NOT_YET = 3


def cancel(
    name: OrderName,
    *,
    why: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, for the order's story.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for the answer.")
    ] = 10.0,
    as_json: Json = False,
) -> None:
    """Call an order off. A worker answers, and the producer is told for each DeliverID.

    Before anything was bought this is certain. Afterwards the provider is asked, where it documents
    a way to cancel or to give back; elsewhere the order stands, and the answer says why.
    Ends with 0 when it is called off, 1 when it stands, 3 when there is no answer yet.

    Example: orderline cancel 100045 --why "the customer changed their mind"
    """
    answer, told = asyncio.run(_cancel(name, why, wait))
    if as_json:
        print_json({"answer": answer.name.lower(), "reason": _reason(told), "order": told.order})
    else:
        say(_sentence(answer, told))
    raise typer.Exit(answer)


async def _cancel(name: str, why: str | None, wait: float) -> tuple[Answer, OrderStory]:
    async with opened() as session:
        order_id = OrderId((await find_order(session.db, name)).order_id)
        wish = Wish(event_id=new_uuid(), said_by="operator", order_id=order_id, reason=why)
        hand = Hand(operator_name(), Via.COMMAND)
        deed = hand.deed(Act.CALLED_OFF, order_id=order_id, why=why)
        await cancels.ask(session.db, wish, deed)
        return await _answer(session, order_id, wait)


async def _answer(session: Session, order_id: OrderId, wait: float) -> tuple[Answer, OrderStory]:
    """Look until a worker has answered, or nobody waits any more."""
    give_up_at = asyncio.get_running_loop().time() + wait
    while True:
        told = await story(session.db, session.vault, order_id)
        if told.order.state == "cancelled":
            return Answer.CALLED_OFF, told
        if told.order.cancel_asked_at is None:
            return Answer.REFUSED, told
        if asyncio.get_running_loop().time() >= give_up_at:
            return Answer.NOT_YET, told
        await asyncio.sleep(_LOOK_EVERY)


def _reason(told: OrderStory) -> Any:
    """Why it stands, as it was last said."""
    refusals = [event.data.get("reason") for event in told.events if event.type == _REFUSED]
    return refusals[-1] if refusals else None


def _sentence(answer: Answer, told: OrderStory) -> str:
    order = told.order
    match answer:
        case Answer.CALLED_OFF:
            return f"Order {order.order_id} is called off."
        case Answer.REFUSED:
            reason = _reason(told) or "see `orderline show`"
            return f"Order {order.order_id} is not called off, it is {order.state}: {reason}"
        case Answer.NOT_YET:
            return (
                f"Order {order.order_id} is to be called off; no worker has answered yet"
                f" ({order.next})."
            )
