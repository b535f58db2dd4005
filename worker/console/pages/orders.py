"""Orders: listed, found, told whole; and what can be done about one."""

from typing import Any, Final

from starlette.responses import Response

from schemas.ids import OrderId, new_uuid
from schemas.orders import OrderView
from worker.console.refusals import Conflict
from worker.console.routes import Route, action, page
from worker.console.timeline import moments_of
from worker.console.visit import Visit
from worker.errors import NotFound
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.operating.resolving import Said, Verdict, decide
from worker.operating.waiting import considered
from worker.operating.words import Unfit
from worker.store import cancels, views
from worker.store.cancels import Wish
from worker.store.deeds import Act, deeds, note_alone
from worker.store.views import Wanted
from worker.store.views_parked import waiting_for_a_person
from worker.store.views_story import story
from worker.store.views_tombstones import buried

_PAGE: Final = 50
_DEEDS: Final = 50


async def listing(visit: Visit) -> Response:
    """Orders, newest first; or those that a name may mean."""
    name = visit.asked("q")
    if name is not None:
        return await _named(visit, name)
    state = visit.asked("state")
    if state is not None and state not in {*OrderState}:
        raise Unfit("There is no such state.")
    wanted = Wanted(
        states=() if state is None else (state,),
        producer=visit.asked("producer"),
        provider=visit.asked("provider"),
        overdue=visit.asked("overdue") is not None,
        ending=visit.asked("ending") is not None,
        before=visit.asked_id("before"),
    )
    found = await views.orders(visit.db, wanted, limit=_PAGE)
    older = found[-1].order_id if len(found) == _PAGE else None
    return _list(visit, found, older=older)


async def _named(visit: Visit, name: str) -> Response:
    found = await views.find(visit.db, name)
    if len(found) == 1:
        return visit.see(f"/orders/{found[0].order_id}")
    return _list(visit, found, purged=[] if found else await buried(visit.db, name))


def _list(visit: Visit, found: list[OrderView], **more: Any) -> Response:
    given = {"older": None, "purged": [], **more}
    return visit.page("orders.html", orders=found, states=[*OrderState], **given)


async def show(visit: Visit) -> Response:
    """One order's whole story, personal data hidden."""
    return await _tell(visit, reveal=False)


async def reveal(visit: Visit) -> Response:
    """The same with personal data, in this one answer; that it was asked for is recorded first."""
    order_id, why = visit.id_in("order_id"), visit.form.why()
    await _there(visit)
    await note_alone(visit.db, visit.hand.deed(Act.REVEALED, order_id=order_id, why=why))
    return await _tell(visit, reveal=True)


async def _tell(visit: Visit, *, reveal: bool) -> Response:
    order_id, db = visit.id_in("order_id"), visit.db
    told = await story(db, visit.console.vault, order_id, reveal=reveal)
    found = await waiting_for_a_person(db, Wanted(), order_id=order_id, limit=1)
    if found:
        async with visit.console.runtime() as rt:
            found = await considered(rt, found)
    return visit.page(
        "order.html",
        told=told,
        order=told.order,
        moments=moments_of(told),
        waiting=found[0] if found else None,
        deeds=await deeds(db, order_id=order_id, limit=_DEEDS),
        revealed=reveal,
        ended=told.order.state in TERMINAL_ORDERS,
    )


async def cancel(visit: Visit) -> Response:
    """Wish an order called off; a worker answers."""
    order_id, why = OrderId(visit.id_in("order_id")), visit.form.why()
    wish = Wish(event_id=new_uuid(), said_by=visit.who.name, order_id=order_id, reason=why)
    deed = visit.hand.deed(Act.CALLED_OFF, order_id=order_id, why=why)
    if await cancels.ask(visit.db, wish, deed) is None:
        raise NotFound("There is no such order.")
    return visit.done(f"/orders/{order_id}", "called-off")


async def resolve(visit: Visit) -> Response:
    """Say what was found out about a parked order, or a surplus one."""
    form, order = visit.form, await _there(visit)
    if form.get("said") not in {*Said}:
        raise Unfit("Say what you found out.")
    said = Said(form.get("said"))
    surplus = said in {Said.RETURNED, Said.KEPT}
    verdict = Verdict(
        said=said,
        why=form.why(),
        ref=form.id("ref"),
        line_refs={} if surplus else form.ids("line:"),
        unchecked=form.ticked("unchecked"),
    )
    if order.state != OrderState.PARKED and not surplus:
        raise Conflict(f"The order is {order.state}, and not parked: look at it again.")

    async def carry_out() -> None:
        async with visit.console.runtime() as rt:
            await decide(rt, order, verdict, visit.hand)

    await visit.console.see_through(carry_out())
    return visit.done(f"/orders/{order.order_id}", "surplus" if surplus else "resolved")


async def _there(visit: Visit) -> OrderView:
    """The order that the path names. Raises ``NotFound``."""
    order_id = visit.id_in("order_id")
    match await views.find(visit.db, str(order_id)):
        case [order]:
            return order
        case _:
            raise NotFound("There is no such order.")


ROUTES: Final[tuple[Route, ...]] = (
    page("/orders", listing),
    page("/orders/{order_id}", show),
    action("/orders/{order_id}/reveal", reveal),
    action("/orders/{order_id}/cancel", cancel),
    action("/orders/{order_id}/resolve", resolve),
)
