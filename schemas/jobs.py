"""What travels on our own Celery queues: a task's name and ids. The only place a name is spelled.

A job is a bell, not the work: the row it names is the work. So nothing here may ever hold more
than ids.
"""

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
