"""What an order asks for, whichever provider it is for."""

import pytest

from schemas.intents.gifthub import GifthubIntent
from schemas.intents.hyperteknoloji import HyperteknolojiIntent
from tests.providers.gifthub.test_adapter import cards
from tests.providers.hyperteknoloji.test_adapter import basket
from tests.providers.trial import CUSTOMER
from worker.providers.asked import each_line, intent_of, personal_in, present


def test_an_order_is_read_as_its_own_providers() -> None:
    order = cards("one", "two")
    intent = intent_of(order, GifthubIntent)
    pairs = [(line.index, wanted.sku) for line, wanted in each_line(order, intent.lines)]
    assert pairs == [(0, "one"), (1, "two")]


def test_an_order_of_another_provider_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="another provider"):
        intent_of(cards("one"), HyperteknolojiIntent)


def test_what_is_personal_is_known_by_its_mark() -> None:
    assert personal_in(basket(1, 2)) == [CUSTOMER]
    assert personal_in(cards("one")) == []


def test_only_what_was_not_asked_for_is_left_out_of_a_body() -> None:
    assert present(a=None, b=0, c="", d=[], e=False) == {"b": 0, "c": "", "d": [], "e": False}
