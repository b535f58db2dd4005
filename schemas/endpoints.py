"""Views of endpoints: where notifications go, and whether they arrive. See ``schemas.orders``."""

from collections.abc import Mapping
from datetime import datetime

from schemas.base import Schema
from schemas.orders import distance, stamp


class EndpointEventView(Schema):
    """Something that happened to an endpoint, or to a notification that was to go there."""

    at: datetime
    type: str
    data: Mapping[str, object]


class EndpointDeliveryView(Schema):
    """One numbered try to hand a notification over."""

    webhook_id: str
    number: int
    at: datetime
    milliseconds: int
    code: int | None
    error: str | None


class EndpointView(Schema):
    """One endpoint: a producer's URL without its query.

    ``state`` is ``ok``, ``failing``, ``resting`` (it asked to be left alone) or ``disabled``.
    ``oldest_at`` is when what has waited longest happened.
    """

    producer: str
    url: str
    state: str
    failing_since: datetime | None
    failed_at: datetime | None
    failures: int
    rests_until: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None
    waiting: int
    oldest_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    as_of: datetime

    @property
    def told(self) -> str:
        """Its state, in a sentence."""
        match self.state:
            case "disabled":
                return f"disabled {_when(self.disabled_at, self)} ({self.disabled_because})"
            case "resting":
                return f"rests until {stamp(self.rests_until or self.as_of)}, as it asked to"
            case "failing":
                return f"failing since {_when(self.failing_since, self)}, {self.failures} times"
            case _:
                return "ok"


class EndpointStory(Schema):
    """An endpoint with what happened to it and the newest tries, the latest first."""

    endpoint: EndpointView
    events: tuple[EndpointEventView, ...]
    deliveries: tuple[EndpointDeliveryView, ...]


def _when(moment: datetime | None, view: EndpointView) -> str:
    shown = moment or view.as_of
    return f"{stamp(shown)} ({distance(shown, view.as_of)})"
