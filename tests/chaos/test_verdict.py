"""The auditor catches each broken promise, alone, in books that somebody cooked."""

import json
from datetime import timedelta

import pytest

from schemas.intents import FaultCode
from tests.chaos.books import NOW, Books, aside, heard, kept, order, row, sent, told
from tests.stories.conftest import adobe, hyper
from worker.chaos.evidence import Quarantined, Run
from worker.chaos.plan import Sort


@pytest.fixture
def books() -> Books:
    return kept()


def test_where_every_promise_was_kept_the_verdict_is_clean(books: Books) -> None:
    verdict = books.verdict()
    assert verdict.broken == ()
    assert verdict.breaches == {}
    said = verdict.as_json()
    assert said["clean"] is True
    assert (said["orders"], said["seed"], verdict.books.accepted) == (2, 7, 2)
    assert json.loads(json.dumps(said, default=str))["books"]["repeats"] == 1


# --- P1, P5 ----------------------------------------------------------------------------------


def test_an_acknowledged_intent_without_an_order_is_lost(books: Books) -> None:
    books.sent.append(sent(9, hyper("gone")))
    verdict = books.verdict()
    assert (verdict.lost, verdict.broken) == (1, ("P1", "P5"))
    assert "fresh gone (9-0)" in verdict.breaches["lost"][0]


def test_nonsense_that_is_not_quarantined_is_lost(books: Books) -> None:
    books.quarantined = [each for each in books.quarantined if each.code != "not_json"]
    assert books.verdict().lost == 1


def test_a_changed_repeat_that_went_by_unseen_is_lost(books: Books) -> None:
    books.quarantined = [each for each in books.quarantined if each.code == "not_json"]
    verdict = books.verdict()
    assert verdict.lost == 1
    assert "has other content than its order" in verdict.breaches["lost"][0]


def test_either_of_two_contents_may_come_first_if_the_other_is_quarantined(books: Books) -> None:
    bought, _, repeat, changed, nonsense, _ = books.sent
    books.change(0, fingerprint=order(changed).fingerprint)
    code = FaultCode.REPEATED_WITH_OTHER_CONTENT
    books.quarantined = [aside(nonsense, "not_json"), aside(bought, code), aside(repeat, code)]
    assert books.verdict().broken == ()


def test_a_wish_that_left_no_trace_is_lost(books: Books) -> None:
    books.change(1, cancels=0)
    verdict = books.verdict()
    assert (verdict.lost, verdict.broken) == (1, ("P1", "P5"))


def test_a_wish_that_came_before_its_intent_may_be_quarantined(books: Books) -> None:
    books.change(1, cancels=0)
    books.quarantined.append(aside(books.sent[-1], FaultCode.UNKNOWN_INTENT))
    assert books.verdict().broken == ()


def test_an_order_that_is_there_twice_is_invented(books: Books) -> None:
    books.orders.append(books.orders[1])
    verdict = books.verdict()
    assert (verdict.invented, verdict.broken) == (1, ("P1",))


def test_an_order_that_nobody_asked_for_is_invented(books: Books) -> None:
    books.orders.append(order(sent(9, hyper("nobodys")), "refused"))
    assert books.verdict().invented == 1


def test_quarantine_may_hold_what_was_sent_without_an_acknowledgement(books: Books) -> None:
    stranger = Quarantined(stream="s", entry_id="77-0", digest="unsure", code="not_json")
    books.quarantined.append(stranger)
    assert books.verdict().invented == 1
    books.unsure = frozenset({"unsure"})
    assert books.verdict().broken == ()


def test_an_intent_in_order_must_not_be_quarantined(books: Books) -> None:
    books.quarantined.append(aside(books.sent[0], FaultCode.WRONG_TYPE))
    verdict = books.verdict()
    assert (verdict.wrongly_quarantined, verdict.broken) == (1, ("P1",))


def test_an_entry_left_in_a_stream_breaks_p5(books: Books) -> None:
    books.left_in_streams = 1
    assert books.verdict().broken == ("P5",)


# --- P2 --------------------------------------------------------------------------------------


def test_a_second_live_order_at_the_provider_is_a_duplicate(books: Books) -> None:
    books.theirs["hyperteknoloji"].append(row(books.orders[0], "9002"))
    verdict = books.verdict()
    assert (verdict.duplicate_provider_orders, verdict.broken) == (1, ("P2",))


def test_two_lines_of_one_order_there_are_no_duplicate(books: Books) -> None:
    books.theirs["hyperteknoloji"].append(row(books.orders[0], line_id="2"))
    assert books.verdict().broken == ()


def test_a_second_order_that_came_to_nothing_is_no_duplicate(books: Books) -> None:
    books.theirs["hyperteknoloji"].append(row(books.orders[0], "9002", live=False))
    assert books.verdict().broken == ()


def test_a_duplicate_of_a_parked_order_is_one_all_the_same(books: Books) -> None:
    books.change(0, state="parked", parked_reason="absent after 0:00:12.345")
    books.theirs["hyperteknoloji"].append(row(books.orders[0], "9002"))
    verdict = books.verdict()
    assert (verdict.parked, verdict.broken) == (1, ("P2",))
    assert verdict.books.parked_reasons == {"absent after some time": 1}


@pytest.mark.parametrize("ref", ["a stranger's", None])
def test_a_live_order_that_is_nobodys_is_a_stray(books: Books, ref: str | None) -> None:
    books.theirs["gifthub"].append(row(books.orders[1], ref=ref))
    verdict = books.verdict()
    assert (verdict.strays, verdict.duplicate_provider_orders) == (1, 1)
    assert verdict.broken == ("P2",)


# --- P3 --------------------------------------------------------------------------------------


def test_a_purchase_after_the_quotes_end_is_late_by_the_remotes_own_time(books: Books) -> None:
    books.theirs["hyperteknoloji"][0] = row(
        books.orders[0], created_at=NOW, bought_at=NOW + timedelta(seconds=10.5)
    )
    verdict = books.verdict()
    assert (verdict.late_purchases, verdict.broken) == (1, ("P3",))
    assert "0.50 s after its quote's end" in verdict.breaches["late"][0]


def test_a_late_purchase_is_late_even_if_it_was_given_back(books: Books) -> None:
    late = row(books.orders[0], "8999", live=False, bought_at=NOW + timedelta(seconds=11))
    books.theirs["hyperteknoloji"].append(late)
    assert books.verdict().late_purchases == 1


def test_what_was_only_priced_is_not_bought_late(books: Books) -> None:
    priced = row(books.orders[0], "8999", live=False, bought_at=None)
    books.theirs["hyperteknoloji"].append(priced)
    assert books.verdict().broken == ()


def test_a_purchase_that_we_began_too_late_breaks_p3(books: Books) -> None:
    books.begun_late = ["a attempt 2"]
    verdict = books.verdict()
    assert (verdict.begun_late, verdict.broken) == (1, ("P3",))


# --- P4 --------------------------------------------------------------------------------------


def test_an_event_without_a_receipt_is_missing(books: Books) -> None:
    books.received = heard(*books.told[:-1])
    verdict = books.verdict()
    assert (verdict.notifications_missing, verdict.broken) == (1, ("P4",))


def test_a_later_change_before_an_earlier_one_is_out_of_order(books: Books) -> None:
    first, second, other = books.told
    books.received = heard(second, first, other)
    verdict = books.verdict()
    assert (verdict.notifications_out_of_order, verdict.broken) == (1, ("P4",))


def test_a_gap_in_the_sequence_is_seen_even_if_nobody_misses_it(books: Books) -> None:
    books.told = [told("a", 1), told("a", 3), told("b", 1)]
    books.received = heard(*books.told)
    verdict = books.verdict()
    assert (verdict.notification_gaps, verdict.broken) == (1, ("P4",))


def test_a_receipt_that_tells_of_no_event_is_seen(books: Books) -> None:
    books.received = heard(*books.told, told("invented", 1))
    assert books.verdict().notification_gaps == 1


def test_a_signature_that_is_not_genuine_breaks_p4(books: Books) -> None:
    books.received.forged = 1
    assert books.verdict().broken == ("P4",)


# --- P6, the truth, processes ----------------------------------------------------------------


def test_an_order_that_is_neither_finished_nor_parked_is_unresolved(books: Books) -> None:
    books.change(0, state="placed")
    verdict = books.verdict()
    assert (verdict.unresolved, verdict.broken) == (1, ("P6",))


def test_a_wish_without_an_answer_is_unresolved(books: Books) -> None:
    books.change(0, wish_open=True)
    assert books.verdict().unresolved == 1


def test_that_we_gave_up_waiting_breaks_p6(books: Books) -> None:
    books.run = Run(seed=7, wanted=2, gave_up="no progress for 100 s")
    assert books.verdict().broken == ("P6",)


@pytest.mark.parametrize("state", ["fulfilled", "partially_fulfilled"])
def test_an_order_that_says_bought_and_was_not_is_untrue(books: Books, state: str) -> None:
    books.change(0, state=state)
    books.theirs["hyperteknoloji"].clear()
    verdict = books.verdict()
    assert (verdict.untrue, verdict.broken) == (1, ("truth",))


@pytest.mark.parametrize("state", ["refused", "expired", "failed", "cancelled"])
def test_an_order_that_says_not_bought_and_was_is_untrue(books: Books, state: str) -> None:
    books.change(0, state=state)
    verdict = books.verdict()
    assert (verdict.untrue, verdict.broken) == (1, ("truth",))


@pytest.mark.parametrize("live", [True, False])
def test_a_parked_order_may_be_either(books: Books, live: bool) -> None:  # noqa: FBT001 -- both are tried
    books.change(0, state="parked", parked_reason="a person decides")
    books.theirs["hyperteknoloji"][0] = row(books.orders[0], live=live)
    assert books.verdict().broken == ()


def test_a_preview_is_fulfilled_and_nothing_is_bought(books: Books) -> None:
    asked = sent(9, adobe("p", order_type="PREVIEW"))
    books.sent.append(asked)
    books.orders.append(order(asked, previews=True))
    assert books.verdict().broken == ()
    books.theirs["adobe_vipm"] = [row(books.orders[-1])]
    assert books.verdict().broken == ("truth",)


def test_a_process_that_ends_by_itself_is_named(books: Books) -> None:
    books.run = Run(seed=7, wanted=2, ended=["worker1 ended with code 1"])
    verdict = books.verdict()
    assert (verdict.processes_ended, verdict.broken) == (1, ("processes",))
    assert verdict.breaches["ended"] == ["worker1 ended with code 1"]


def test_the_repeat_of_an_order_is_not_another_one(books: Books) -> None:
    assert [each.sort for each in books.sent].count(Sort.REPEAT) == 1
    assert books.verdict().books.accepted == 2
