"""Reading Threekit's answers: no answer is too odd to be judged, and none too kindly."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.answers import patient, replies, reply
from tests.providers.threekit.test_adapter import SENT, recording
from tests.providers.trial import CUSTOMER
from worker.http import Reply
from worker.lifecycle import LineState
from worker.outcome import Confirmed, InDoubt, NotSent, Outcome, Pending, RefusalCode, Refused
from worker.providers.threekit import wire
from worker.providers.threekit.errors import Failures

ORDER: Final = recording("c-1", "c-2")
KEY: Final = ORDER.order_id.hex
ID: Final = "0a1b2c3d-1111-2222-3333-444455556666"
PLACED: Final = replace(ORDER, provider_ref=ID)
STATUSES: Final = ["List", "In Cart", "New", "In Progress", "Complete"]
ASSUMED: Final = Failures()
PAGE: Final = b"<html><head><title>400 Bad Request</title></head></html>"


def cart(**fields: Any) -> list[dict[str, Any]]:
    """Both lines as they were sent; ``fields`` spoil the first of them."""
    entries = [
        {"configurationId": f"c-{n}", "count": 2, "metadata": {"lineRef": line.line_ref}}
        for n, line in enumerate(ORDER.lines, start=1)
    ]
    return [entries[0] | fields, entries[1]]


def recorded(**fields: Any) -> dict[str, Any]:
    order = {"id": ID, "shortId": "AbC12x", "platform": SENT, "status": "New", "items": []}
    return order | {"metadata": {"clientOrderKey": KEY}, "cart": cart()} | fields


def created(answer: Reply, failures: Failures = ASSUMED) -> Outcome:
    return wire.read_created(answer, ORDER, failures, until_complete=False)


def polled(answer: Reply) -> Outcome:
    return wire.read_polled(answer, PLACED, until_complete=True)


# --- create --------------------------------------------------------------------------------------


@patient
@given(replies(recorded()))
def test_any_answer_to_a_create_call_is_an_outcome_and_only_our_whole_order_is_yes(
    answer: Reply,
) -> None:
    outcome = created(answer)
    match outcome:
        case Confirmed():
            said = json.loads(answer.body)
            assert 200 <= answer.status < 300
            assert outcome.provider_ref == str(said["id"])
            assert said["metadata"]["clientOrderKey"] == KEY
            refs = {one["metadata"]["lineRef"] for one in said["cart"] if one in cart()}
            assert refs == {line.line_ref for line in ORDER.lines}
        case Refused():
            assert answer.status == 400
            assert "id" not in json.loads(answer.body)
        case NotSent():
            assert answer.status in {401, 403, 429}
        case _:
            assert isinstance(outcome, InDoubt)


@patient
@given(replies(recorded(status=st.sampled_from([*STATUSES, "On Hold", None, ["New"], {}]))))
def test_whether_a_status_counts_never_makes_a_yes_or_unmakes_one(answer: Reply) -> None:
    waiting = wire.read_created(answer, ORDER, ASSUMED, until_complete=True)
    assert type(waiting) is type(created(answer))
    if isinstance(waiting, Confirmed):
        done = json.loads(answer.body).get("status") == "Complete"
        assert {line.state is LineState.DELIVERED for line in waiting.lines} == {done}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_with_our_order_is_a_yes(status: int) -> None:
    outcome = created(reply(status, recorded()))
    assert isinstance(outcome, Confirmed)
    assert outcome.provider_ref == ID
    assert outcome.total is None
    assert [(line.state, line.details) for line in outcome.lines] == [
        (LineState.DELIVERED, {"short_id": "AbC12x"})
    ] * 2


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, recorded(id=None)),
        (200, recorded(id="")),
        (200, recorded(metadata=None)),
        (200, recorded(metadata={})),
        (200, recorded(metadata={"clientOrderKey": "another"})),
        (200, recorded(cart=[])),
        (200, recorded(cart=None)),
        (200, recorded(cart=cart()[:1])),
        (200, recorded(cart=cart(count=1))),
        (200, recorded(cart=cart(count=True))),
        (200, recorded(cart=cart(configurationId="c-9"))),
        (200, recorded(cart=cart(metadata=None))),
        (200, recorded(cart=cart(metadata={"lineRef": []}))),
        (200, recorded(cart=[], items=[{"id": "c-1", "count": 2}])),
        (200, [recorded()]),
        (204, None),
        (302, recorded()),
        (400, recorded()),
        (422, {"id": None}),
        (404, {"message": "Not found"}),
        (409, {"message": "Conflict"}),
        (500, {"message": "Internal server error"}),
        (503, recorded()),
    ],
)
def test_what_is_neither_a_clear_yes_nor_a_clear_no_is_doubt(status: int, document: Any) -> None:
    assert isinstance(created(reply(status, document)), InDoubt)


def test_a_line_count_that_is_missing_is_told() -> None:
    outcome = created(reply(200, recorded(cart=cart()[1:])))
    assert isinstance(outcome, InDoubt)
    assert outcome.reason == "recorded, with 1 of 2 lines in its cart"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_no_is_a_no_only_from_the_api_itself(status: int) -> None:
    """A proxy that answers in HTML does not know what the API did; a look-up does."""
    outcome = created(reply(status, {"anything": "at all"}))
    assert isinstance(outcome, Refused)
    assert outcome.code is RefusalCode.INVALID
    assert outcome.reason.endswith(f"(HTTP {status})")
    for body in (PAGE, b"", b"Bad Request", b"[]"):
        assert isinstance(created(Reply(status, {}, body)), InDoubt)


def test_what_a_refusal_says_decides_nothing() -> None:
    said = {"message": "the token is unauthorized, try again later; order created"}
    outcome = created(reply(422, said))
    assert isinstance(outcome, Refused)
    assert "token" not in outcome.reason


@pytest.mark.parametrize("body", [PAGE, b"", b'{"message":"Not found"}'])
def test_404_is_doubt_even_where_it_may_refuse_unless_the_api_says_it(body: bytes) -> None:
    assert isinstance(created(Reply(404, {}, body)), InDoubt)
    believed = created(Reply(404, {}, body), Failures(missing_refuses=True))
    assert isinstance(believed, Refused) is body.startswith(b"{")


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, PAGE, "unauthorized"),
        (401, b"{}", "unauthorized"),
        (403, b"{}", "forbidden"),
        (429, PAGE, "throttled"),
    ],
)
def test_who_is_turned_away_may_come_again(status: int, body: bytes, reason: str) -> None:
    outcome = created(Reply(status, {"retry-after": "7"}, body))
    assert isinstance(outcome, NotSent)
    assert (outcome.reason, outcome.token_rejected) == (reason, False)
    assert (outcome.retry_after is None) is (status != 429)


def test_a_firewalls_403_proves_nothing() -> None:
    """One that reads answers may hold back that of an order which was recorded."""
    assert isinstance(created(Reply(403, {}, PAGE)), InDoubt)


def test_evidence_keeps_the_answer_and_hides_the_customer() -> None:
    told = recorded(
        metadata={"clientOrderKey": KEY, "id": CUSTOMER}, message=f"{CUSTOMER} " * 200, name="x"
    )
    outcome = created(reply(200, told))
    body = outcome.evidence.body or ""
    assert outcome.evidence.request_ref == KEY
    assert ID in body
    assert KEY in body
    assert CUSTOMER.split()[0] not in body
    assert len(body) <= 2000


def test_items_are_never_sent() -> None:
    said = json.loads(wire.create_body(ORDER, None))
    assert "items" not in said
    assert said["status"] == "New"
    assert [entry["count"] for entry in said["cart"]] == [2, 2]


# --- get -----------------------------------------------------------------------------------------


@patient
@given(replies(recorded(status=st.sampled_from([*STATUSES, "On Hold"]))))
def test_any_answer_about_an_order_is_survived_and_only_complete_is_done(answer: Reply) -> None:
    outcome = polled(answer)
    match outcome:
        case Confirmed() | Pending():
            said = json.loads(answer.body)
            assert answer.status == 200
            assert said["id"] == ID
            assert isinstance(outcome, Confirmed) is (said["status"] == "Complete")
        case NotSent():
            assert answer.status in {401, 403, 429}
        case _:
            assert isinstance(outcome, InDoubt)


def test_another_orders_status_is_not_ours() -> None:
    assert isinstance(polled(reply(200, recorded(id="another"))), InDoubt)
    named = recorded(metadata={"clientOrderKey": "another"})
    assert isinstance(polled(reply(200, named)), InDoubt)


def test_an_order_edited_there_still_is_where_it_is() -> None:
    """Its cart may be changed by others once it is recorded; that undoes no record."""
    assert isinstance(polled(reply(200, recorded(cart=[], status="Complete"))), Confirmed)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("New", LineState.ACCEPTED, None),
        ("In Progress", LineState.ACCEPTED, None),
        ("Complete", LineState.DELIVERED, None),
        ("List", LineState.ACCEPTED, "the order is a draft there: 'List'"),
        ("complete", LineState.ACCEPTED, "the order is in an unknown status there: 'complete'"),
    ],
)
def test_each_status_has_its_meaning(status: str, state: LineState, reason: str | None) -> None:
    outcome = polled(reply(200, recorded(status=status)))
    assert isinstance(outcome, Confirmed | Pending)
    assert {(line.state, line.reason) for line in outcome.lines} == {(state, reason)}
