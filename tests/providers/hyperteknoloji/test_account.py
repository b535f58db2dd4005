"""Looking at a Hyperteknoloji account: what it holds, in whatever case it is told."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from schemas.money import Money
from tests.providers.answers import patient, replies, reply
from tests.providers.hyperteknoloji.test_adapter import basket
from tests.providers.trial import Trial
from worker.http import Reply
from worker.outcome import Checked, InDoubt, NotSent, Refused
from worker.providers.hyperteknoloji import wire
from worker.sandbox import Sandbox

ACCOUNT = {"success": True, "data": {"balance": 12.5, "currencyCode": "EUR", "email": "a@b.test"}}


async def test_the_balance_falls_by_what_was_bought(sandbox: Sandbox) -> None:
    async with Trial(sandbox, "hyperteknoloji") as trial:
        before = await trial.check()
        await trial.bought(basket(17))
        left = await trial.check()
    assert isinstance(before, Checked)
    assert isinstance(left, Checked)
    (had,), (has,) = before.balances, left.balances
    assert had.currency == has.currency == "TRY"
    assert had.amount - has.amount == Decimal("49.80")


@pytest.mark.parametrize(
    ("data", "balances"),
    [
        ({"Balance": 12.5, "CurrencyCode": "EUR"}, (Money(Decimal("12.5"), "EUR"),)),
        ({"balance": "19.90"}, (Money(Decimal("19.90"), "TRY"),)),
        ({"balance": "12,50", "currencyCode": "EUR"}, ()),
        ({}, ()),
    ],
    ids=["another case", "no currency", "no number", "nothing"],
)
def test_a_balance_is_read_as_it_is_told(data: Any, balances: tuple[Money, ...]) -> None:
    found = wire.read_account(reply(200, {"success": True, "data": data}), "TRY")
    assert isinstance(found, Checked)
    assert found.balances == balances


@patient
@given(replies(ACCOUNT))
def test_only_an_explicit_yes_lets_us_in(answer: Reply) -> None:
    found = wire.read_account(answer, "TRY")
    assert isinstance(found, Checked | Refused | NotSent | InDoubt)
    assert "a@b.test" not in repr(found)
    if isinstance(found, Checked):
        assert answer.status == 200
        assert b'"success": true' in answer.body
