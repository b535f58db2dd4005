"""``orderline reconcile``: our books beside the providers', now."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.program import Terminal, started
from tests.cli.remotes import ADOBE, HYPER, Remotes, licences, open_remotes
from tests.cli.world import World, until
from tests.crash.nursery import Nursery
from worker.sandbox import Change

KEYS = {
    "run_id", "provider", "account", "since", "asked_by", "state", "pages", "entries", "orders",
    "compared", "found", "reason", "started_at", "ended_at", "leased_by", "leased_until", "as_of",
}  # fmt: skip


@pytest.fixture
async def remotes(
    world: World, monkeypatch: pytest.MonkeyPatch, nursery: Nursery
) -> AsyncIterator[Remotes]:
    """Hyperteknoloji and Adobe, and Feedback Company, which has no books."""
    async with open_remotes(
        world, monkeypatch, nursery, HYPER, ADOBE, "feedback_company"
    ) as running:
        yield running


async def test_books_that_agree_end_with_0_and_say_what_was_compared(remotes: Remotes) -> None:
    await remotes.buy(an_intent("d-1", "d-2"), licences("i-2"))
    ran = await remotes.program("reconcile")
    assert (ran.code, ran.out) == (0, "No difference was found.\n")
    lines = ran.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        *[f"{ADOBE}/default"] * 2,
        *[f"{HYPER}/default"] * 2,
    ]
    assert "comparing what was ordered since 2" in lines[0]
    assert "compared 1 of 1 order with 2 pages with 2 entries in" in lines[3]
    again = await remotes.program("reconcile", "--provider", ADOBE, "--json")
    assert (again.code, again.err) == (0, "")


async def test_json_is_the_runs_the_differences_and_nothing_else(remotes: Remotes) -> None:
    [order_id] = await remotes.buy(an_intent("d-1"))
    await remotes.execute("UPDATE orders SET total = 0.3, total_currency = 'IRT'")
    [stranger] = remotes.tamper(HYPER, Change.ADD)
    ran = await remotes.program("reconcile", "--provider", HYPER, "--since", "1d", "--json")
    assert (ran.code, ran.err) == (1, "")
    told = json.loads(ran.out)
    assert set(told) == {"runs", "under_way", "differences", "need_a_person", "interrupted"}
    [run] = told["runs"]
    assert set(run) == KEYS
    assert (run["state"], run["orders"], run["compared"]) == ("done", 1, 1)
    assert run["found"] == {"missing_here": 1, "price_differs": 1}
    assert "@" in run["asked_by"]
    by_kind = {each["kind"]: each for each in told["differences"]}
    assert by_kind["price_differs"]["ours"] == "0.30 IRT"
    assert by_kind["price_differs"]["order_id"] == order_id
    assert by_kind["missing_here"]["provider_ref"] == stranger
    assert all(each["new"] for each in told["differences"])
    assert told["need_a_person"] == 1

    again = json.loads((await remotes.program("reconcile", "--provider", HYPER, "--json")).out)
    [seen] = again["differences"]
    assert (seen["kind"], seen["new"]) == ("missing_here", False)


async def test_what_differs_is_a_table_and_what_a_person_does_stands_below(
    remotes: Remotes,
) -> None:
    quote = {"quoted_at": datetime.now(UTC).isoformat(), "max_total": "30", "currency": "TRY"}
    cheap, dear = await remotes.buy(
        an_intent("d-1"), an_intent("d-2", intent_id="i-2") | {"quote": quote}
    )
    remotes.tamper(HYPER, Change.PRICE, order_id=await _ref(remotes, cheap), to="0.30")
    ref = await _ref(remotes, dear)
    remotes.tamper(HYPER, Change.PRICE, order_id=ref, to="30.10")
    ran = await remotes.program("reconcile", "--provider", HYPER)
    assert ran.code == 1
    rows = {line.split()[8]: line for line in ran.out.splitlines() if line.startswith("new ")}
    assert [row for row in rows.values() if " record  recorded " in row and "0.30 TRY" in row]
    assert [row for row in rows.values() if " alert   open (recorded) " in row]
    for told in (
        f"order     {dear} (i-2 of shop), fulfilled",
        f"their id  {ref}",
        "costs     30.10 TRY",
        "at most   30.00 TRY",
        "line      d-2: delivered, their id 5",
        "cannot give it back: its goods were delivered, and its provider takes none back",
        "Then `orderline differences close 0",
    ):
        assert told in ran.out
    for secret in remotes.secrets:
        assert secret not in ran.out + ran.err
    again = await remotes.program("reconcile", "--provider", HYPER)
    assert again.code == 1
    assert [line[:4] for line in again.out.splitlines() if " price_differs " in line][:1] == [
        "-   "
    ]
    assert (await remotes.program("reconcile", "--provider", ADOBE)).code == 0


async def test_what_was_found_before_is_counted_as_long_as_it_needs_a_person(
    remotes: Remotes,
) -> None:
    await remotes.execute(
        "INSERT INTO differences (id, provider, account, kind, rule, provider_ref, line, ours,"
        " theirs, found_in, seen_in, found_at) VALUES (gen_random_uuid(), 'adobe_vipm', 'default',"
        " 'missing_here', 'report', '77', '', 'no order', 'accepted (1000)', gen_random_uuid(),"
        " gen_random_uuid(), now() - interval '9 days')"
    )
    ran = await remotes.program("reconcile", "--provider", ADOBE)
    assert ran.code == 1
    assert "1 more needs a person, found by earlier runs; see `orderline differences`" in ran.out
    assert (await remotes.program("reconcile", "--provider", HYPER)).code == 0


async def test_a_run_that_somebody_else_holds_is_no_error(remotes: Remotes) -> None:
    await remotes.execute(
        "INSERT INTO reconciliations (id, provider, account, since, asked_by, state, fence,"
        " leased_by, lease_until) VALUES (gen_random_uuid(), 'adobe_vipm', 'default', now(),"
        " 'beat', 'reading', 1, 'mail-1:77', now() + interval '1 hour')"
    )
    ran = await remotes.program("reconcile")
    assert (ran.code, ran.out) == (0, "No difference was found.\n")
    assert f"{ADOBE}/default: a run is under way already: mail-1:77 holds it" in ran.err
    assert f"{HYPER}/default: compared 0 of 0 orders" in ran.err
    told = json.loads((await remotes.program("reconcile", "--json")).out)
    assert [run["leased_by"] for run in told["under_way"]] == ["mail-1:77"]
    assert [run["provider"] for run in told["runs"]] == [HYPER]


async def test_a_run_that_was_left_is_gone_on_with(remotes: Remotes) -> None:
    await remotes.execute(
        "INSERT INTO reconciliations (id, provider, account, since, asked_by, state, fence)"
        " VALUES (gen_random_uuid(), 'adobe_vipm', 'default', now(), 'beat', 'reading', 1)"
    )
    ran = await remotes.program("reconcile", "--provider", ADOBE)
    assert ran.code == 0
    assert "going on where the run of 2" in ran.err


async def test_books_that_cannot_be_read_fail_with_the_reason(
    remotes: Remotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_RETRY_CAP", "0")
    await remotes.sandbox.outage(HYPER)
    ran = await remotes.program("reconcile", "--provider", HYPER)
    assert ran.code == 1
    assert "failed after 0 pages with 0 entries: their books could not be read" in ran.err
    doctor = json.loads((await remotes.program("doctor", "--json")).out)
    said = [each for each in doctor["findings"] if each["check"] == "books"]
    assert any("their books could not be read" in each["said"] for each in said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "nobody"], "there is no provider 'nobody' (there are adobe_vipm, "),
        (["--provider", "feedback_company"], "has no books that could be read"),
        (["--account", "other"], "with books to be read are: adobe_vipm/default, hyper"),
        (["--provider", "gifthub"], "no such account is configured well"),
        (["--since", "91d"], "orders are kept for 90 d after their end"),
        (["--since", "2020-01-01"], "orders are kept for 90 d after their end"),
        (["--since", "9999-01-01"], "that is not in the past"),
        (["--since", "0d"], "that is not in the past"),
        (["--since", "soon"], "neither a moment"),
    ],
)
@pytest.mark.usefixtures("remotes")
async def test_what_is_wrongly_asked_is_a_usage_error(
    orderline: Orderline, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    ran = await orderline("reconcile", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in " ".join(ran.err.replace("│", " ").split())


async def test_a_moment_is_taken_for_how_far_back_it_lies(remotes: Remotes) -> None:
    since = (datetime.now(UTC) - timedelta(days=7)).replace(microsecond=0)
    ran = await remotes.program("reconcile", "--since", since.isoformat(), "--json")
    starts = [datetime.fromisoformat(run["since"]) for run in json.loads(ran.out)["runs"]]
    assert all(abs(each - since) < timedelta(seconds=1) for each in starts)
    assert remotes.sandbox.hits(HYPER, "list")


def _many(remotes: Remotes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Books of several pages, of which one is read a second."""
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__BOOKS_RATE", "1")
    for _ in range(450):
        remotes.tamper(HYPER, Change.ADD)


async def test_ctrl_c_leaves_the_run_at_its_last_page(
    remotes: Remotes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _many(remotes, monkeypatch)
    with started("reconcile", "--provider", HYPER, cwd=tmp_path, env=os.environ) as (
        process,
        printed,
    ):

        async def a_page_is_read() -> bool:
            return bool(await remotes.rows("SELECT FROM reconciliations WHERE pages > 0"))

        await until(a_page_is_read)
        process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(process.wait, 60)
    assert code == 130, printed.read_text()
    assert "left while reading, after" in printed.read_text()
    assert "the next run goes on from there" in printed.read_text()
    [(pages, lease)] = await remotes.rows(
        "SELECT pages, lease_until <= now() FROM reconciliations WHERE state = 'reading'"
    )
    assert (pages > 0, lease) == (True, True)
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__BOOKS_RATE", "200")
    [run] = json.loads((await remotes.program("reconcile", "--provider", HYPER, "--json")).out)[
        "runs"
    ]
    assert (run["state"], run["entries"]) == ("done", 450)
    assert await remotes.rows("SELECT count(*) FROM reconciliations") == [(1,)]


async def test_on_a_terminal_there_is_a_bar(
    remotes: Remotes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _many(remotes, monkeypatch)
    screen = Terminal("reconcile", "--provider", HYPER, cwd=tmp_path, env=os.environ)
    try:
        assert await asyncio.to_thread(screen.read_until, b"reading: ")
        code = await asyncio.to_thread(screen.read_all)
    finally:
        screen.close()
    assert code == 1
    assert b"entries" in screen.printed
    assert b"missing_here" in screen.printed


async def _ref(remotes: Remotes, order_id: str) -> str:
    [(ref,)] = await remotes.rows("SELECT provider_ref FROM orders WHERE id = :id", id=order_id)
    return str(ref)
