"""What travels on our own Celery queues: a task's name and ids. The only place a name is spelled.

A job is a bell, not the work: the row it names is the work. So nothing here may ever hold more
than ids.

While a deployment goes on, bells of two versions ring side by side. So a bell is heard as far as it
is understood: what a later version added is passed over, and what is missing is made up for by the
rows, or by the sweep.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from schemas.base import Schema

ORDER_PLACE: Final = "order.place"
ORDER_CONFIRM: Final = "order.confirm"
ORDER_POLL: Final = "order.poll"
ORDER_CANCEL: Final = "order.cancel"
ORDER_RECONCILE: Final = "order.reconcile"
ORDER_SUBMIT: Final = "order.submit"
NOTIFICATION_DELIVER: Final = "notification.deliver"
SWEEP: Final = "upkeep.sweep"
EXPIRE: Final = "upkeep.expire"
PURGE: Final = "upkeep.purge"
RECONCILE: Final = "upkeep.reconcile"


class OrderBell(Schema):
    """Orders of one account are due. ``swept``: the sweep rang, and wants to know it was heard."""

    task: str
    provider: str
    account: str
    order_ids: tuple[UUID, ...] = ()
    swept: bool = False


class NotificationBell(Schema):
    """Notifications are due."""

    event_ids: tuple[UUID, ...] = ()


Bell = OrderBell | NotificationBell


def read_order_bell(
    task: str, said: Sequence[object], more: Mapping[str, object]
) -> OrderBell | None:
    """An order bell, as any version may have rung it; ``None`` where it names no account.

    ``said`` and ``more`` are the message's arguments: provider, account and ids, and the options.
    """
    match said:
        case [str(provider), str(account), *rest]:
            ids = tuple(_ids(rest[0] if rest else more.get("ids")))
            swept = more.get("swept") is True
            return OrderBell(
                task=task, provider=provider, account=account, order_ids=ids, swept=swept
            )
        case _:
            return None


def read_notification_bell(said: Sequence[object]) -> NotificationBell:
    """The same of a notification's."""
    return NotificationBell(event_ids=tuple(_ids(said[0] if said else None)))


def _ids(found: object) -> Iterator[UUID]:
    """What is an id, of what should be a list of them."""
    for each in found if isinstance(found, list | tuple) else ():
        with suppress(ValueError, AttributeError, TypeError):
            yield UUID(each)
