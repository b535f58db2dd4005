"""Hand one notification to its producer: sign, POST, record."""

from contextlib import AbstractContextManager
from typing import Final

from schemas.notifications import LineNews, render
from worker.delivery.sender import DeliveryResult, Failure
from worker.logs import about, get_logger
from worker.policy import delivery_in, rest_in
from worker.pump import Pump
from worker.runtime import Runtime
from worker.store import deliveries
from worker.store.deliveries import Delivered
from worker.store.notifications import Owed
from worker.store.tables_told import NotificationState

_TOO_MANY: Final = 429

log = get_logger(__name__)


async def deliver(owed: Owed, mail: Pump[Owed], rt: Runtime) -> str:
    """Try once; the notification's state afterwards.

    A crash between the POST and the record gives a repeat with the same ``webhook-id``.
    """
    with _about(owed):
        return await _deliver(owed, mail, rt)


def _about(owed: Owed) -> AbstractContextManager[None]:
    news = owed.notification.data
    if isinstance(news, LineNews):
        return about(order=news.order_id, line=owed.subject)
    return about(trace=owed.subject)


async def _deliver(owed: Owed, mail: Pump[Owed], rt: Runtime) -> str:
    try:
        result = await _post(owed, rt)
        if result is not None:
            rt.lanes.saw(owed.lane, failing=not result.acknowledged)
    finally:  # what is yet to be recorded keeps nobody from the endpoint
        if rt.lanes.leave(owed.lane):
            mail.ring()
    if result is None:
        await deliveries.release(rt.db, [(owed.event_id, owed.fence)])
        return "released"
    return await _record(owed, result, mail, rt)


async def _record(owed: Owed, result: DeliveryResult, mail: Pump[Owed], rt: Runtime) -> str:
    delivered = _delivered(owed, result, rt.chance())
    _count(owed, result, delivered, rt)
    if not result.acknowledged:
        log.info(
            "delivery_failed", event_id=str(owed.event_id), code=result.code, error=result.error
        )
    later_are_owed = await rt.deliveries.write(delivered)
    if later_are_owed:
        mail.ring()
    return delivered.state


async def _post(owed: Owed, rt: Runtime) -> DeliveryResult | None:
    """What the endpoint made of it; ``None`` where the worker is stopping."""
    body = render(owed.notification)
    signer = await rt.signers.of(owed.producer)
    headers = signer.sign(owed.webhook_id, rt.clock.now(), body)
    headers["content-type"] = "application/json"
    return await rt.calls.make(
        lambda: rt.sender.post(
            owed.url,
            headers,
            body,
            deadline_seconds=rt.settings.delivery_timeout.total_seconds(),
        ),
        unmade=None,
        cut=None,
    )


def _count(owed: Owed, result: DeliveryResult, delivered: Delivered, rt: Runtime) -> None:
    rt.meters.delivered(result.word, result.duration.total_seconds())
    if result.acknowledged and not owed.replays:
        age = (rt.clock.now() - owed.notification.timestamp).total_seconds()
        rt.meters.told.saw(max(age, 0.0))
    if delivered.state is NotificationState.EXHAUSTED:
        rt.meters.exhausted.add()


def _delivered(owed: Owed, result: DeliveryResult, chance: float) -> Delivered:
    tries = owed.tries + 1
    wait = None
    if result.acknowledged:
        state = NotificationState.ACKNOWLEDGED
    else:
        busy = result.code == _TOO_MANY or result.error is Failure.TIMEOUT
        wait = delivery_in(tries, chance, result.retry_after, busy=busy)
        if result.gone:
            wait = wait or delivery_in(1, chance)  # its endpoint is disabled: it waits for that
        state = NotificationState.EXHAUSTED if wait is None else NotificationState.PENDING
    return Delivered(
        event_id=owed.event_id,
        fence=owed.fence,
        replays=owed.replays,
        tries=tries,
        state=state,
        due_in=wait,
        milliseconds=round(result.duration.total_seconds() * 1000),
        code=result.code,
        error=result.error,
        excerpt=result.excerpt or None,
        gone=result.gone,
        rest=rest_in(result.code, result.retry_after),
    )
