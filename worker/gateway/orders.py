"""How a producer's orders stand, for whoever would rather ask than be told."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from schemas.gateway import EndedOrder, ErrorCode, Gone, Told
from schemas.orders import stamp
from worker.crypto import SealBroken
from worker.gateway.gate import PATIENCE, gate_of
from worker.gateway.openapi import ORDER_ANSWERS
from worker.gateway.refusals import Refused, answer, not_found, unavailable
from worker.gateway.signed_in import Producer
from worker.logs import get_logger
from worker.store.session import is_transient
from worker.store.views_producer import Meant, order_of

log = get_logger(__name__)
router = APIRouter(prefix="/v1/orders", tags=["orders"])

Goods = Annotated[
    bool, Query(description="Whether to show all codes that were delivered so far. Secret.")
]


@router.get(
    "/{order_id}", summary="An order by its id", responses=ORDER_ANSWERS, operation_id="get_order"
)
async def get_order(
    request: Request,
    producer: Producer,
    order_id: Annotated[UUID, Path(description="As webhooks name it.")],
    *,
    goods: Goods = False,
) -> Response:
    """How one order of yours stands, line by line. Anybody else's is as unknown as none."""
    return await _shown(request, Meant(producer=producer, order_id=order_id), goods=goods)


@router.get(
    "",
    summary="An order by its intent's id",
    responses=ORDER_ANSWERS,
    operation_id="find_order",
)
async def find_order(
    request: Request,
    producer: Producer,
    intent_id: Annotated[str, Query(description="As you sent it.", min_length=1, max_length=128)],
    *,
    goods: Goods = False,
) -> Response:
    """The same, by the id of yours. What was just sent is unknown until it is taken in."""
    if "\0" in intent_id:
        raise not_found("You have no such order.")
    return await _shown(request, Meant(producer=producer, intent_id=intent_id), goods=goods)


async def _shown(request: Request, meant: Meant, *, goods: bool) -> Response:
    gate = gate_of(request)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await order_of(gate.db, gate.vault, meant, goods=goods)
    except SealBroken:
        log.exception("goods_unreadable", producer=meant.producer)
        raise unavailable("What was delivered") from None
    except Exception as error:
        if not is_transient(error):
            raise
        log.warning("order_not_shown", producer=meant.producer, error=type(error).__name__)
        raise unavailable("The database") from None
    if found is None:
        raise not_found("You have no such order.")
    if isinstance(found, EndedOrder):
        detail = f"It ended as {found.state} {stamp(found.ended_at)}; its details were purged."
        raise Refused(410, Gone(error=Told(code=ErrorCode.GONE, detail=detail), order=found))
    return answer(found)
