"""Bells as other versions ring them: heard as far as they are understood."""

from typing import Any
from uuid import uuid4

import pytest

from schemas.jobs import ORDER_PLACE, read_notification_bell, read_order_bell

ID, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("said", "more", "ids", "was_swept"),
    [
        (["gifthub", "default", [str(ID), str(OTHER)]], {}, (ID, OTHER), False),
        (["gifthub", "default", [str(ID)]], {"swept": True}, (ID,), True),
        (["gifthub", "default", [str(ID)], {"region": "eu"}], {"trace": "00-1"}, (ID,), False),
        (["gifthub", "default"], {"ids": [str(ID)]}, (ID,), False),
        (["gifthub", "default"], {"swept": "yes"}, (), False),
        (["gifthub", "default", ["no-id", 7, None, str(ID)]], {}, (ID,), False),
        (["gifthub", "default", "no list"], {}, (), False),
    ],
)
def test_a_bell_is_heard(
    said: list[Any], more: dict[str, Any], ids: Any, was_swept: object
) -> None:
    bell = read_order_bell(ORDER_PLACE, said, more)
    assert bell is not None
    assert (bell.provider, bell.account) == ("gifthub", "default")
    assert (bell.order_ids, bell.swept) == (ids, was_swept)


@pytest.mark.parametrize("said", [[], ["gifthub"], [{"provider": "gifthub"}, 3]])
def test_one_that_names_no_account_is_left_to_the_sweep(said: list[Any]) -> None:
    assert read_order_bell(ORDER_PLACE, said, {}) is None


def test_a_notifications_bell_is_read_the_same_way() -> None:
    assert read_notification_bell([[str(ID), "x"], 3]).event_ids == (ID,)
    assert read_notification_bell([]).event_ids == ()
