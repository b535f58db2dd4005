"""Calling an order of Adobe's off: a RETURN of its lines, its replay, and its look-up."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.providers.adobe_vipm.licences import licences, previewed
from tests.providers.conftest import PACE, RemoteClock
from tests.providers.trial import Trial, after, an_attempt
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.adobe_vipm.listing import RETURN_WINDOW
from worker.providers.adobe_vipm.returns import RETURN_ID
from worker.sandbox import Fault
from worker.sandbox.remote import Documented
from worker.sandbox.remotes.adobe_vipm.documented import error


async def bought(adobe: Trial, *offers: str) -> Ordered:
    """An order whose cancelling is next."""
    order = await adobe.bought(licences(*offers or ("sandbox-ok", "sandbox-ok")))
    adobe.begin(Step.CANCEL, order)
    return order


def states(outcome: LookUp) -> list[LineState]:
    assert isinstance(outcome, Confirmed), outcome
    return [line.state for line in outcome.lines]


async def returned_by_hand(adobe: Trial, order: Ordered, offers: int, quantity: int = 2) -> None:
    """Somebody else gives the first lines back."""
    adobe_order = licences(
        *["sandbox-ok"] * offers,
        quantity=quantity,
        order_type="RETURN",
        reference_order_id=order.provider_ref,
    )
    kept = adobe.attempt
    await adobe.bought(adobe_order)
    adobe.attempt = kept


async def test_an_order_that_is_called_off_costs_nothing(adobe: Trial) -> None:
    order = await bought(adobe)
    outcome = await adobe.call(Step.CANCEL, order)
    assert states(outcome) == [LineState.CANCELLED] * 2
    assert isinstance(outcome, Confirmed)
    assert outcome.provider_ref == order.provider_ref
    assert outcome.lines[0].details[RETURN_ID] not in {"", order.provider_ref}
    assert not adobe.is_bought(order)


def test_a_return_says_what_was_ordered(adobe: Trial) -> None:
    order = previewed("sandbox-level-01", "sandbox-ok", "sandbox-ok")
    gone = replace(order.lines[2], state=LineState.FAILED)
    raised = replace(order.lines[0], details={"offer_id": "sandbox-level-02"})
    placed = replace(order, lines=(raised, order.lines[1], gone), provider_ref="5120008001")
    body = adobe.adapter.request(placed, Step.CANCEL, "ref")
    assert json.loads(body or b"") == {
        "orderType": "RETURN",
        "externalReferenceId": order.order_id.hex,
        "referenceOrderId": "5120008001",
        "currencyCode": "USD",
        "lineItems": [
            {"extLineItemNumber": 1, "offerId": "sandbox-level-02", "quantity": 2},
            {"extLineItemNumber": 2, "offerId": "sandbox-ok", "quantity": 2},
        ],
    }


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.CUT_BEFORE, Fault.GATEWAY_TIMEOUT_504])
async def test_a_return_sent_again_is_carried_out_once(adobe: Trial, fault: Fault) -> None:
    order = await bought(adobe)
    adobe.sandbox.script("adobe_vipm", "return", [fault])
    assert isinstance(await adobe.call(Step.CANCEL, order), InDoubt)
    assert states(await adobe.call(Step.CANCEL, order)) == [LineState.CANCELLED] * 2
    returns = [r for r in adobe.sandbox.books.rows("adobe_vipm") if r.extra["type"] == "RETURN"]
    assert len(returns) == 2


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.RESET_AFTER, Fault.GARBAGE_AFTER])
async def test_a_look_up_finds_the_return(adobe: Trial, fault: Fault) -> None:
    order = await bought(adobe)
    adobe.sandbox.script("adobe_vipm", "return", [fault])
    await adobe.call(Step.CANCEL, order)
    assert states(await adobe.look_up(order)) == [LineState.CANCELLED] * 2


async def test_a_look_up_of_a_wish_that_never_arrived_finds_nothing(adobe: Trial) -> None:
    order = await bought(adobe)
    assert isinstance(await adobe.look_up(order), Absent)
    await returned_by_hand(adobe, order, 1)
    assert isinstance(await adobe.look_up(order), Absent)


async def test_a_return_that_takes_time_is_pending_and_then_done(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    order = await bought(adobe, "sandbox-ok", "sandbox-return-slow")
    assert isinstance(await adobe.call(Step.CANCEL, order), Pending)
    assert isinstance(await adobe.look_up(order), Pending)
    remote_clock.pass_paces()
    assert states(await adobe.look_up(order)) == [LineState.CANCELLED] * 2


async def test_a_return_that_fails_leaves_the_order_standing(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    order = await bought(adobe, "sandbox-return-fails")
    assert isinstance(await adobe.call(Step.CANCEL, order), Pending)
    remote_clock.pass_paces()
    found = await adobe.look_up(order)
    assert isinstance(found, Refused)
    assert adobe.is_bought(order)


async def test_a_return_that_fails_in_part_says_which_lines_stand(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    order = await bought(adobe, "sandbox-ok", "sandbox-return-fails")
    await adobe.call(Step.CANCEL, order)
    remote_clock.pass_paces()
    found = await adobe.look_up(order)
    assert states(found) == [LineState.CANCELLED, LineState.DELIVERED]


async def test_what_was_given_back_already_is_called_off(adobe: Trial) -> None:
    order = await bought(adobe)
    await returned_by_hand(adobe, order, 2)
    assert states(await adobe.call(Step.CANCEL, order)) == [LineState.CANCELLED] * 2
    assert states(await adobe.look_up(order)) == [LineState.CANCELLED] * 2


async def test_a_return_of_what_was_given_back_in_part_is_refused_with_the_line(
    adobe: Trial,
) -> None:
    order = await bought(adobe)
    await returned_by_hand(adobe, order, 1)
    outcome = await adobe.call(Step.CANCEL, order)
    assert isinstance(outcome, Refused)
    assert "2133" in outcome.reason
    assert [line.line_ref for line in outcome.lines] == [order.lines[0].line_ref]


async def test_half_of_a_line_is_not_the_line(adobe: Trial) -> None:
    order = await bought(adobe, "sandbox-ok")
    await returned_by_hand(adobe, order, 1, quantity=1)
    assert isinstance(await adobe.look_up(order), Absent)
    await returned_by_hand(adobe, order, 1, quantity=1)
    assert states(await adobe.look_up(order)) == [LineState.CANCELLED]


async def test_after_the_window_the_order_stands(adobe: Trial, remote_clock: RemoteClock) -> None:
    order = await bought(adobe)
    remote_clock.pass_paces((RETURN_WINDOW + timedelta(seconds=1)) / PACE)
    await adobe.log_in()
    outcome = await adobe.call(Step.CANCEL, order)
    assert isinstance(outcome, Refused)
    assert outcome.code is RefusalCode.EXPIRED
    assert adobe.is_bought(order)


async def test_an_open_order_cannot_be_given_back_yet(adobe: Trial) -> None:
    order = await bought(adobe, "sandbox-slow")
    outcome = await adobe.call(Step.CANCEL, order)
    assert isinstance(outcome, Refused)
    assert "2116" in outcome.reason


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("2118", Confirmed),
        ("2133", Refused),
        ("2127", Refused),
        ("4122", NotSent),
        ("1124", InDoubt),
        ("RETURN_NOT_SUPPORTED_MOQ_SKU", Refused),
    ],
)
async def test_each_refusal_of_a_return_has_its_meaning(
    adobe: Trial, code: str, outcome: type[Outcome]
) -> None:
    order = await bought(adobe)
    adobe.sandbox.script("adobe_vipm", "return", [Documented("return", code, error(code))])
    assert type(await adobe.call(Step.CANCEL, order)) is outcome


async def test_what_was_never_placed_is_not_called_off(adobe: Trial) -> None:
    assert isinstance(await adobe.call(Step.CANCEL, licences("sandbox-ok")), NotSent)
    assert adobe.sandbox.hits("adobe_vipm", "return") == 0


async def test_an_order_of_which_nothing_is_left_is_not_called_off(adobe: Trial) -> None:
    order = await adobe.bought(licences("sandbox-failed"))
    assert [line.state for line in order.lines] == [LineState.FAILED]
    hits = adobe.sandbox.hits("adobe_vipm", "return")
    assert isinstance(await adobe.call(Step.CANCEL, order), Refused)
    assert adobe.sandbox.hits("adobe_vipm", "return") == hits


async def test_a_previewed_order_is_given_back_with_the_offers_it_got(previewing: Trial) -> None:
    order = await previewing.bought(previewed("sandbox-level-01"))
    previewing.begin(Step.CANCEL, order)
    outcome = await previewing.call(Step.CANCEL, order)
    assert states(outcome) == [LineState.CANCELLED]
    assert isinstance(outcome, Confirmed)
    assert after(order, outcome).lines[0].details["offer_id"] == "sandbox-level-02"
    assert an_attempt(Step.CANCEL).request is None


REFUSED = Documented("return", "400 2133", error("2133"))


async def test_a_no_to_what_an_earlier_return_of_ours_gave_back_is_a_yes(adobe: Trial) -> None:
    """One whose answer was lost, which was not listed yet, and so was asked for anew."""
    order = await bought(adobe)
    adobe.sandbox.script("adobe_vipm", "return", [Fault.CUT_AFTER])
    assert isinstance(await adobe.call(Step.CANCEL, order), InDoubt)
    adobe.begin(Step.CANCEL, order)
    adobe.sandbox.script("adobe_vipm", "return", [REFUSED])
    assert states(await adobe.call(Step.CANCEL, order)) == [LineState.CANCELLED] * 2


async def test_a_no_that_cannot_be_held_against_the_list_is_doubt(adobe: Trial) -> None:
    order = await bought(adobe)
    adobe.sandbox.script("adobe_vipm", "return", [REFUSED])
    adobe.sandbox.script("adobe_vipm", "list", [Fault.GATEWAY_TIMEOUT_504])
    outcome = await adobe.call(Step.CANCEL, order)
    assert isinstance(outcome, InDoubt)
    assert "2133" in outcome.reason
