"""Looking an order up in Adobe's list: page by page, by reference, offers and quantities."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.providers.adobe_vipm.licences import licences, previewed, renewal
from tests.providers.conftest import PACE, RemoteClock
from tests.providers.trial import Trial, an_attempt
from worker.http import Reply
from worker.lifecycle import Step
from worker.outcome import Absent, Confirmed, InDoubt
from worker.providers.adobe_vipm import listing
from worker.sandbox import Fault

ORDER = licences("offer-1", "offer-2")


def listed(order_id: str = "1", reference: str = ORDER.order_id.hex, **fields: Any) -> Any:
    lines = [
        {"extLineItemNumber": n, "offerId": f"offer-{n}", "quantity": 2, "status": "1000"}
        for n in (1, 2)
    ]
    return {
        "orderId": order_id,
        "externalReferenceId": reference,
        "orderType": "NEW",
        "status": "1000",
        "lineItems": lines,
        **fields,
    }


def found(*orders: Any) -> Any:
    return listing.finding(orders, ORDER, an_attempt())


# --- what is found -------------------------------------------------------------------------------


def test_the_oldest_of_several_is_ours_and_the_others_are_surplus() -> None:
    finding = found(listed("3"), listed("9", "another"), listed("2"), listed("1"))
    assert isinstance(finding, Confirmed)
    assert (finding.provider_ref, finding.surplus) == ("1", ("3", "2"))


def test_an_order_that_two_pages_show_is_one() -> None:
    finding = found(listed("1"), listed("1"))
    assert isinstance(finding, Confirmed)
    assert finding.surplus == ()


@pytest.mark.parametrize(
    "other",
    [
        listed(reference="another"),
        listed(orderType="RETURN"),
        listed(orderType="RENEWAL"),
        {"orderId": "1"},
    ],
)
def test_an_order_of_another_reference_or_type_is_not_ours(other: Any) -> None:
    assert isinstance(found(other), Absent)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        listed()["lineItems"][:1],
        [{**listed()["lineItems"][0], "quantity": 3}, listed()["lineItems"][1]],
        [{**listed()["lineItems"][0], "offerId": "offer-9"}, listed()["lineItems"][1]],
    ],
)
def test_our_reference_with_other_lines_is_doubt_and_no_proof_of_absence(lines: Any) -> None:
    assert isinstance(found(listed(lineItems=lines)), InDoubt)


async def test_a_double_order_is_told(adobe: Trial) -> None:
    order = licences("sandbox-ok")
    first = await adobe.bought(order)
    second = await adobe.bought(order)
    finding = await adobe.look_up(order)
    assert isinstance(finding, Confirmed)
    assert finding.provider_ref == first.provider_ref
    assert finding.surplus == (second.provider_ref,)


async def test_an_order_that_the_list_shows_late_is_found_late(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    order = await adobe.ready_for(Step.PLACE, licences("sandbox-listed-late"))
    assert isinstance(await adobe.call(Step.PLACE, order), InDoubt)
    assert isinstance(await adobe.look_up(order), Absent)
    remote_clock.pass_paces()
    assert isinstance(await adobe.look_up(order), Confirmed)


async def test_what_a_preview_raised_is_found_by_the_offer_that_was_ordered(
    previewing: Trial,
) -> None:
    order = await previewing.ready_for(Step.CONFIRM, previewed("sandbox-level-01"))
    previewing.sandbox.script("adobe_vipm", "create", [Fault.CUT_AFTER])
    assert isinstance(await previewing.call(Step.CONFIRM, order), InDoubt)
    finding = await previewing.look_up(order)
    assert isinstance(finding, Confirmed)
    assert finding.lines[0].details["offer_id"] == "sandbox-level-02"


# --- pages ---------------------------------------------------------------------------------------


async def test_an_order_is_found_below_many_newer_ones(adobe: Trial) -> None:
    order = await adobe.bought(licences("sandbox-ok"))
    kept = adobe.attempt
    for _ in range(205):
        await adobe.bought(licences("sandbox-ok"))
    adobe.attempt = kept
    assert isinstance(await adobe.look_up(order), Confirmed)
    assert adobe.sandbox.hits("adobe_vipm", "list") == 3


async def test_absence_is_said_only_after_the_last_page(adobe: Trial) -> None:
    for _ in range(101):
        await adobe.bought(licences("sandbox-ok"))
    adobe.sandbox.script("adobe_vipm", "list", [Fault.NONE, Fault.ERROR_500_BEFORE])
    assert isinstance(await adobe.look_up(licences("sandbox-ok")), InDoubt)
    assert isinstance(await adobe.look_up(licences("sandbox-ok")), Absent)


async def test_the_list_is_read_no_further_back_than_shortly_before_the_attempt(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    for _ in range(101):
        await adobe.bought(licences("sandbox-ok"))
    remote_clock.pass_paces(timedelta(minutes=30) / PACE)
    adobe.attempt = replace(an_attempt(), opened_at=remote_clock())
    assert isinstance(await adobe.look_up(licences("sandbox-ok")), Absent)
    assert adobe.sandbox.hits("adobe_vipm", "list") == 1


def test_each_type_is_asked_for_in_its_own_way() -> None:
    attempt = an_attempt()

    def asked(order: Any, step: Step = Step.PLACE) -> dict[str, list[str]]:
        query = parse_qs(listing.page_query(order, replace(attempt, step=step), 100))
        assert (query["limit"], query["offset"]) == (["100"], ["100"])
        assert query["start-date"][0].endswith("Z")
        return query

    assert asked(ORDER)["order-type"] == ["NEW"]
    assert asked(renewal("x"))["order-type"] == ["RENEWAL"]
    returning = asked(licences("x", order_type="RETURN", reference_order_id="77"))
    assert returning["reference-order-id"] == ["77"]
    assert "order-type" not in returning
    cancelling = asked(replace(ORDER, provider_ref="78"), Step.CANCEL)
    assert cancelling["reference-order-id"] == ["78"]
    assert cancelling["start-date"] < asked(ORDER)["start-date"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"items": []},
        {"totalCount": 1},
        {"totalCount": "1", "items": []},
        {"totalCount": True, "items": []},
        {"totalCount": 1, "items": [{}]},
        {"totalCount": 1, "items": [[]]},
        {"code": "1132", "message": "Invalid search value"},
    ],
)
def test_a_page_that_is_not_whole_proves_nothing(document: Any) -> None:
    page = listing.read_page(Reply(200, {}, json.dumps(document).encode()), "ref")
    assert isinstance(page, InDoubt)
    assert page.evidence.request_ref == "ref"
