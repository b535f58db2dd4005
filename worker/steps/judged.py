"""Whether what a producer put on its stream can be taken in, by what the database knows. Pure.

What can be said of it alone was said before, when it was read (``schemas.intents``).
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from schemas.ids import OrderId, new_uuid
from schemas.intents import FaultCode, Intent, IntentFault, ReadIntent, check_window, window
from schemas.intents.hosts import is_among
from worker.store.cancels import Ended
from worker.store.intake import Known, NewOrder, Registered
from worker.store.open_orders import Room


def new_order(
    item: ReadIntent,
    known: Known,
    taken: Mapping[tuple[str, str], UUID],
    quote_window: timedelta,
    skew: timedelta,
) -> NewOrder:
    """The order that an intent becomes whose id is new. Raises ``IntentFault``.

    ``taken`` are the DeliverIDs that are used, as (producer, deliver_id).
    """
    intent = item.intent
    producer = _registered(intent, known)
    check_window(intent.quote, known.now, skew)
    notify_url = _notify_url(intent, producer)
    for index, line in enumerate(intent.lines):
        if (intent.producer, line.deliver_id) in taken:
            raise IntentFault(
                FaultCode.DELIVER_ID_TAKEN,
                f"lines[{index}].deliver_id",
                "This deliver_id was used before, in another intent",
            )
    return NewOrder(
        order_id=OrderId(new_uuid()),
        intent=intent,
        document=item.document,
        fingerprint=item.fingerprint,
        notify_url=notify_url,
        expires_at=window(intent.quote, known.now, quote_window),
    )


def changed() -> IntentFault:
    """Why an intent is set aside whose id stands for another one."""
    return IntentFault(
        FaultCode.REPEATED_WITH_OTHER_CONTENT,
        "intent_id",
        "This intent_id was used before, with other content; a new intent needs a new one",
    )


def disabled() -> IntentFault:
    """Why nothing is taken in that a disabled producer sends."""
    return IntentFault(
        FaultCode.PRODUCER_DISABLED,
        "producer",
        "Nothing is taken from this producer now; once it is enabled again, this can be replayed",
    )


def crowded(room: Room) -> IntentFault:
    """Why an intent is set aside that would be an order, had its producer not so many open."""
    return IntentFault(
        FaultCode.TOO_MANY_OPEN,
        "producer",
        f"{room.open} orders of this producer are open, and {room.most} may be; once some of them"
        " have ended, this can be replayed",
    )


def in_vain(ended: Ended | None) -> IntentFault:
    """Why a wish is set aside that names no order there is."""
    if ended is None:
        return IntentFault(
            FaultCode.UNKNOWN_INTENT,
            "intent_id",
            "No intent of this id was taken in, so there is nothing to call off",
        )
    return IntentFault(
        FaultCode.PURGED_INTENT,
        "intent_id",
        f"The order of this intent ended long ago ({ended.state}, on {ended.ended_at:%Y-%m-%d}) and"
        " its details were purged, so there is nothing to call off any more",
    )


def _registered(intent: Intent, known: Known) -> Registered:
    """The intent's producer, from whom something is taken."""
    producer = known.producers.get(intent.producer)
    if producer is None:
        raise IntentFault(
            FaultCode.UNKNOWN_PRODUCER,
            "producer",
            "This producer is not registered;"
            f" `orderline producers add {intent.producer} --notify-url https://...` does it",
        )
    if producer.disabled:
        raise disabled()
    return producer


def _notify_url(intent: Intent, producer: Registered) -> str:
    """Where the order is told. What an intent says of a host is not believed."""
    url = intent.notify_url
    if url is None:
        return producer.notify_url
    if not is_among(url, producer.notify_hosts, producer.notify_url):
        raise IntentFault(
            FaultCode.FOREIGN_HOST,
            "notify_url",
            "Notifications of this producer do not go to that host;"
            f" `orderline producers set {intent.producer} --notify-host HOST` allows it",
        )
    return url
