"""``orderline quarantine``: listed, shown, decided about; and what an entry says stays untold."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from schemas.jsontext import MAX_BYTES
from tests.builders import an_entry, an_intent, raw
from tests.cli.conftest import Orderline
from tests.cli.program import (
    PATIENCE,
    PROGRAM,
    Terminal,
    clean,
    eventually,
    relatives,
    started,
)
from tests.cli.world import World
from worker.cli.operator import operator_name
from worker.crypto import Vault
from worker.settings import Settings
from worker.steps.accept import accept_into
from worker.store import erasing
from worker.store.intake import Entry, EntryKind
from worker.store.quarantine import KEPT_BYTES

PLAYER = "player-5512345678"
NOBODYS_FIELD = "colour"


def bad(name: str = "1", **fields: Any) -> dict[str, Any]:
    """An intent with a field that nobody knows, and somebody's id in it."""
    body = an_intent(f"d-{name}", intent_id=f"i-{name}") | {NOBODYS_FIELD: PLAYER} | fields
    body["lines"][0]["require_data"] = [{"product_require_id": 1, "value": PLAYER}]
    return body


async def set_aside(world: World, *entries: Entry | dict[str, Any] | bytes) -> None:
    batch = [each if isinstance(each, Entry) else an_entry(each) for each in entries]
    await accept_into(world.db, world.vault, world.settings, batch)


async def listed(orderline: Orderline, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (await orderline("quarantine", "--json", *options)).out
    )
    return found


async def only_id(orderline: Orderline) -> str:
    [entry] = await listed(orderline)
    return str(entry["short_id"])


async def intents(world: World) -> list[Any]:
    async with world.db.reading() as connection:
        rows = await connection.execute(text("SELECT intent FROM orders ORDER BY id"))
        return list(rows.scalars())


def ours() -> dict[str, str]:
    """The settings of the test, for a process of its own."""
    return {name: value for name, value in os.environ.items() if name.startswith("ORDERLINE_")}


def unboxed(err: str) -> str:
    """A usage error without its frame and its line breaks."""
    return " ".join(err.replace("│", " ").split())


def said(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# --- the listing -------------------------------------------------------------------------------


async def test_the_listing_has_what_is_open_and_with_all_also_what_was_decided(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad("1"), b"{")
    [broken] = await listed(orderline, "--code", "not_json")
    await orderline("quarantine", "drop", broken["short_id"], "--why", "a test", "--by", "ada")
    assert [each["code"] for each in await listed(orderline)] == ["unknown_field"]
    every = await listed(orderline, "--all")
    assert [each["decision"] for each in every] == ["dropped", None]
    plain = (await orderline("quarantine", "--all")).out
    assert "dropped by ada" in plain
    assert "dropped" not in (await orderline("quarantine")).out


async def test_entries_are_chosen_by_producer_fault_kind_and_age(
    world: World, orderline: Orderline
) -> None:
    await world.register("other")
    wish = an_entry({"intent_id": "i-9"}, kind=EntryKind.CANCEL)
    await set_aside(world, bad("1"), an_entry(b"{", producer="other"), wish)

    async def codes(*options: str) -> list[str]:
        return sorted(each["code"] for each in await listed(orderline, *options))

    assert await codes() == ["not_json", "unknown_field", "unknown_intent"]
    assert await codes("--producer", "other") == ["not_json"]
    assert await codes("--kind", "cancel") == ["unknown_intent"]
    two = await codes("--code", "not_json", "--code", "unknown_field")
    assert two == ["not_json", "unknown_field"]
    assert await codes("--limit", "1") == ["unknown_intent"]
    assert await codes("--since", "1h") == await codes("--since", "2026-01-01") == await codes()
    assert await codes("--since", f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M}") == []


async def test_an_age_is_by_the_databases_clock(
    world: World, orderline: Orderline, set_clock: Callable[[timedelta], None]
) -> None:
    await set_aside(world, bad())
    set_clock(timedelta(hours=2))
    assert await listed(orderline, "--since", "1h") == []
    assert len(await listed(orderline, "--since", "3h")) == 1


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("since", ["yesterday", "1y", "2026-13-01", "h"])
async def test_what_is_no_moment_is_a_usage_error(orderline: Orderline, since: str) -> None:
    ran = await orderline("quarantine", "--since", since)
    assert ran.code == 2
    assert "neither a moment" in ran.err


async def test_an_option_before_the_command_that_it_would_not_reach_is_refused(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad())
    ran = await orderline(
        "quarantine", "--producer", "other", "drop", "--limit", "9", "--yes", "--why", "x"
    )
    assert ran.code == 2
    assert "options of `drop` are written behind it" in ran.err
    assert len(await listed(orderline)) == 1


async def test_the_short_ids_of_a_batch_name_one_entry_each(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, *(bad(str(number)) for number in range(12)))
    entries = await listed(orderline)
    assert len({entry["short_id"] for entry in entries}) == 12
    for entry in entries:
        told = json.loads((await orderline("quarantine", "show", entry["short_id"], "--json")).out)
        assert told["quarantine_id"] == entry["quarantine_id"]


# --- one entry ---------------------------------------------------------------------------------


async def test_everything_is_told_of_an_entry_but_what_it_says(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, an_entry(bad(), entry_id="17-4"))
    ran = await orderline("quarantine", "show", "17-4")
    assert ran.code == 0
    for fact in ("open", "shop", "orderline:intents:shop, entry 17-4", "colour: ", "unknown_field"):
        assert fact in ran.out
    assert "may be personal: --body shows it" in ran.out
    assert PLAYER not in ran.out
    told = json.loads((await orderline("quarantine", "show", "17-4", "--json")).out)
    assert "body" not in told
    assert (told["size"], told["whole"], told["mended"]) == (len(raw(bad())), True, False)


async def test_its_body_is_shown_to_who_asks_for_it(world: World, orderline: Orderline) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    shown = (await orderline("quarantine", "show", entry, "--body")).out
    assert f'    "{NOBODYS_FIELD}": "{PLAYER}"' in shown.splitlines()
    told = json.loads((await orderline("quarantine", "show", entry, "--body", "--json")).out)
    assert json.loads(told["body"]) == bad()


async def test_its_bytes_can_be_redirected_mended_and_given_back(
    world: World, orderline: Orderline, tmp_path: Path
) -> None:
    broken = b'{"x": "\xff\x1b[2J"\r\n'
    await set_aside(world, broken)
    entry = await only_id(orderline)
    written = await asyncio.to_thread(
        subprocess.run,
        [PROGRAM, "quarantine", "show", entry, "--raw"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert (written.stdout, written.stderr) == (broken, b"")
    (tmp_path / "mended.json").write_bytes(raw(an_intent()))
    ran = await orderline("quarantine", "replay", entry, "--with", "mended.json")
    assert (ran.code, ran.out.split()[0]) == (0, "accepted")
    newest = await orderline("quarantine", "show", entry, "--raw")
    assert newest.out.encode() == raw(an_intent())
    shown = await orderline("quarantine", "show", entry, "--body", "--as-arrived")
    assert '{"x": "��[2J"' in shown.out


async def test_an_entry_of_which_only_the_beginning_is_kept_says_so(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, b"x" * (KEPT_BYTES + 1))
    entry = await only_id(orderline)
    assert "; only its beginning is kept" in (await orderline("quarantine", "show", entry)).out
    assert (await orderline("quarantine", "show", entry, "--raw")).out == "x" * KEPT_BYTES
    assert "(too_large)" in (await orderline("quarantine", "replay", entry)).out


async def test_what_was_decided_is_told_with_the_order_that_it_came_to(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    await orderline("quarantine", "replay", entry, "--unset", "colour", "--why", "as they wished")
    shown = (await orderline("quarantine", "show", entry)).out
    assert f"by {operator_name()}" in shown
    assert "as they wished" in shown
    order = json.loads((await orderline("quarantine", "show", entry, "--json")).out)["order_id"]
    story = (await orderline("show", order)).out
    assert "order.taken_from_quarantine" in story
    assert "as they wished" in story


async def test_a_name_that_fits_several_or_none_is_said(world: World, orderline: Orderline) -> None:
    await set_aside(world, an_entry(bad("1"), entry_id="1-0"), an_entry(b"{", entry_id="1-0"))
    several = await orderline("quarantine", "drop", "1-0", "--why", "x")
    assert several.code == 1
    assert all(entry["short_id"] in several.err for entry in await listed(orderline))
    none = await orderline("quarantine", "show", "nothing")
    assert (none.code, none.out) == (1, "")
    assert none.err.startswith("orderline: There is no entry 'nothing' in quarantine; `orderline")


async def test_without_its_key_an_entry_is_told_and_can_be_dropped_but_not_read(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_aside(world, bad())
    monkeypatch.setenv("ORDERLINE_ENCRYPTION_KEYS", Vault.new_key())
    entry = await only_id(orderline)
    assert "no configured key opens it" in (await orderline("quarantine", "show", entry)).out
    ran = await orderline("quarantine", "show", entry, "--raw")
    assert (ran.code, ran.out) == (1, "")
    [told] = said((await orderline("quarantine", "replay", entry, "--json")).out)
    assert told["result"] == "sealed"
    assert (await orderline("quarantine", "drop", entry, "--why", "key lost")).code == 0


# --- taken in again ----------------------------------------------------------------------------


async def test_a_mended_entry_becomes_an_order_and_the_sweep_will_ring(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad(quote={"quoted_at": "2026-11-22T10:00:00Z"}))
    entry = await only_id(orderline)
    ran = await orderline(
        "quarantine", "replay", entry, "--unset", "colour", "--set", "lines[0].quantity=2"
    )
    assert ran.code == 0
    assert ran.out.startswith("accepted")
    assert "to be bought until 2026-11-22 10:10:00Z, due now: the sweep rings for it" in ran.out
    [intent] = await intents(world)
    assert intent["lines"][0]["quantity"] == 2
    assert await listed(orderline) == []


async def test_what_is_still_faulty_says_where_and_goes_on_from_what_was_made_of_it(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad(account="NO"))
    entry = await only_id(orderline)
    ran = await orderline("quarantine", "replay", entry, "--unset", "colour")
    assert ran.code == 1
    assert ran.out.startswith("faulty")
    assert "  account: " in ran.out
    assert "(out_of_range)" in ran.out
    assert [each["path"] for each in await listed(orderline)] == ["account"]
    again = await orderline("quarantine", "replay", entry, "--as-arrived", "--set", "account=eu")
    assert "colour: There is no such field here (unknown_field)" in again.out
    mended = await orderline("quarantine", "replay", entry, "--unset", "colour")
    assert mended.code == 0


async def test_many_are_mended_alike_and_each_is_told_with_a_sum(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad("1"), bad("2"), bad("3", account="NO"), b"{")
    these = ("--code", "unknown_field", "--code", "out_of_range", "--unset", "colour")
    refused = await orderline("quarantine", "replay", *these)
    assert refused.code == 2
    assert "3 entries fit: 2 unknown_field, 1 out_of_range. --yes goes ahead" in unboxed(
        refused.err
    )
    assert len(await listed(orderline)) == 4
    ran = await orderline("quarantine", "replay", *these, "--yes")
    assert ran.code == 1
    *each, total = ran.out.splitlines()
    assert [line.split()[0] for line in each] == ["accepted", "accepted", "faulty"]
    assert total == "2 accepted, 1 faulty"
    assert [intent["intent_id"] for intent in await intents(world)] == ["i-1", "i-2"]


async def test_a_program_is_told_an_object_for_each(world: World, orderline: Orderline) -> None:
    await set_aside(world, bad("1"), bad("2", account="NO"), b"{")
    ran = await orderline(
        "quarantine", "replay", "--producer", "shop", "--unset", "colour", "--yes", "--json"
    )
    first, second, third = said(ran.out)
    assert (first["result"], first["producer"]) == ("accepted", "shop")
    assert (await orderline("show", first["order_id"])).code == 0
    assert (second["result"], second["code"], second["path"]) == (
        "faulty",
        "out_of_range",
        "account",
    )
    assert (third["result"], "code" in third) == ("unmended", False)
    assert third["detail"].startswith("This cannot be changed in place: not JSON")
    assert {each["quarantine_id"] for each in await listed(orderline)} == {
        second["id"],
        third["id"],
    }


async def test_what_is_not_there_cannot_be_changed_and_nothing_is_done(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    for edit in ("--set=lines[7].quantity=2", "--set=quote.currency=TRY", "--unset=lines[0].size"):
        ran = await orderline("quarantine", "replay", entry, edit)
        assert ran.code == 1
        assert ran.out.startswith("unmended")
    [now] = await listed(orderline)
    assert now["code"] == "unknown_field"


async def test_a_dry_run_says_what_each_would_come_to_and_changes_nothing(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad("1"), bad("2", account="NO"))
    before = await listed(orderline)
    ran = await orderline("quarantine", "replay", "--limit", "9", "--unset", "colour", "--dry-run")
    assert ran.code == 1
    assert "can become an order" in ran.out
    assert "account: " in ran.out
    assert ran.out.splitlines()[-1] == "This was a dry run: nothing was changed."
    assert await listed(orderline) == before
    assert await intents(world) == []


async def test_a_repeat_and_a_wish_are_told_for_what_they_are(
    world: World, orderline: Orderline
) -> None:
    wish = an_entry({"intent_id": "i-1"}, kind=EntryKind.CANCEL)
    await set_aside(world, bad(), wish)
    good = {name: value for name, value in bad().items() if name != NOBODYS_FIELD}
    await world.accept(good)
    ran = await orderline("quarantine", "replay", "--limit", "9", "--yes", "--json")
    assert [each["result"] for each in said(ran.out)] == ["faulty", "to_cancel"]
    ran = await orderline("quarantine", "replay", await only_id(orderline), "--unset", "colour")
    assert ran.out.startswith("repeated")
    assert "the same as order" in ran.out
    assert "to be called off: " in (await orderline("show", "i-1")).out


async def test_what_was_decided_before_says_by_whom(world: World, orderline: Orderline) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    await orderline("quarantine", "drop", entry, "--why", "a test order", "--by", "Ada Lovelace")
    for command in (["replay", entry, "--unset", "colour"], ["drop", entry, "--why", "again"]):
        ran = await orderline("quarantine", *command)
        assert ran.code == 1
        assert ran.out.startswith("closed")
        assert "by Ada Lovelace: a test order" in ran.out
    assert await intents(world) == []


async def test_an_entrys_story_says_what_its_producer_was_told_of_it(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    await world.tell()
    await orderline("quarantine", "drop", entry, "--why", "a test", "--by", "ada")
    shown = await orderline("quarantine", "show", entry)
    told = [line for line in shown.out.splitlines() if line.startswith("told")]
    assert "intent.quarantined at https://shop.example/hooks?" in told[0]
    assert "acknowledged" in told[0]
    assert "intent.refused" in told[1]
    assert "not acknowledged; next try" in told[1]
    assert "hidden-in-the-query" not in shown.out
    story = json.loads((await orderline("quarantine", "show", entry, "--json")).out)
    assert [(n["sequence"], n["state"]) for n in story["notices"]] == [
        (1, "acknowledged"),
        (2, "pending"),
    ]


async def test_what_was_closed_long_ago_says_that_its_text_was_erased(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    await orderline("quarantine", "drop", entry, "--why", "a test", "--by", "ada")
    assert await erasing.erase_closed(world.db, timedelta(), 10) == 0, "its producer is not told"
    for _ in range(2):
        await world.tell()
    assert await erasing.erase_closed(world.db, timedelta(), 10) == 1
    told = await orderline("quarantine", "show", entry, "--body")
    assert (told.code, "erased: it was closed long ago" in told.out) == (0, True)
    raw_text = await orderline("quarantine", "show", entry, "--raw")
    assert (raw_text.code, raw_text.out) == (1, "")
    assert "was erased: it was closed long ago" in raw_text.err
    again = await orderline("quarantine", "replay", entry, "--unset", "colour")
    assert (again.code, "it was dropped" in again.out) == (1, True)


async def test_standard_input_may_be_what_an_entry_is_to_say(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, b"{")
    entry = await only_id(orderline)
    nothing = await orderline("quarantine", "replay", entry, "--with", "-")
    assert (nothing.code, nothing.err) == (1, "orderline: -: is empty\n")
    ran = await orderline(
        "quarantine", "replay", entry, "--with", "-", stdin=json.dumps(an_intent())
    )
    assert ran.code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "either name entries"),
        (["--yes"], "either name entries"),
        (["ID", "--producer", "shop"], "either name entries"),
        (["ID", "--edit", "--set", "a=1"], "give only one of"),
        (["--limit", "2", "--with", "x.json"], "mend one entry; 2 are meant"),
        (["ID", "--set", "lines[0]"], "is no PATH=VALUE"),
        (["ID", "--set", "lines[x]=1"], "written as faults print it"),
        (["ID", "--set", "a={'b': NaN, 'b': 1}"], None),
        (["ID", "--set", "a=NaN"], "JSON has no NaN"),
        (["ID", "--unset", "metadata.…"], "takes --edit or --with"),
        (["ID", "--why", " "], "a reason is one line"),
    ],
)
async def test_what_cannot_be_meant_is_a_usage_error_and_does_nothing(
    world: World, orderline: Orderline, arguments: list[str], says: str | None
) -> None:
    await set_aside(world, bad("1"), bad("2"))
    name = (await listed(orderline))[0]["short_id"]
    ran = await orderline(
        "quarantine", "replay", *(name if each == "ID" else each for each in arguments)
    )
    if says is None:  # text that is no JSON is text
        assert "faulty" in ran.out
        return
    assert ran.code == 2
    assert says in unboxed(ran.err)
    assert {each["code"] for each in await listed(orderline)} == {"unknown_field"}


# --- in an editor ------------------------------------------------------------------------------

EDITOR = """
import json, os, pathlib, stat, sys
path = pathlib.Path(sys.argv[1])
modes = [oct(stat.S_IMODE(os.stat(each).st_mode)) for each in (path, path.parent)]
pathlib.Path("seen").write_text(json.dumps([str(path), *modes]))
body = json.loads(path.read_text())
pathlib.Path(f"{path}~").write_text(path.read_text())
del body["colour"]
path.write_text(json.dumps(body, indent=8))
"""


@pytest.fixture
def seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[str]]:
    """An editor that takes ``colour`` away; the result is what it saw: its file, and the modes."""
    del settings  # they choose the working directory
    script = tmp_path / "editor.py"
    script.write_text(EDITOR)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"'{sys.executable}' '{script}'")

    def read() -> list[str]:
        noted: list[str] = json.loads((tmp_path / "seen").read_text())
        return noted

    return read


async def test_an_entry_is_mended_in_an_editor_whose_file_nobody_else_can_read(
    world: World, orderline: Orderline, seen: Callable[[], list[str]]
) -> None:
    await set_aside(world, bad())
    ran = await orderline("quarantine", "replay", await only_id(orderline), "--edit")
    assert ran.code == 0, ran.out
    assert ran.err == "colour: There is no such field here (unknown_field)\n"
    path, *modes = seen()
    assert modes == ["0o600", "0o700"]
    assert not await asyncio.to_thread(Path(path).parent.exists)
    assert len(await intents(world)) == 1


@pytest.mark.usefixtures("seen")
async def test_an_intent_does_not_outgrow_its_limit_by_being_made_readable(
    world: World, orderline: Orderline
) -> None:
    body = an_intent(*(f"d-{number}" for number in range(800))) | {NOBODYS_FIELD: "red"}
    assert len(json.dumps(body, indent=2)) > MAX_BYTES
    await set_aside(world, json.dumps(body, separators=(",", ":")).encode())
    ran = await orderline("quarantine", "replay", await only_id(orderline), "--edit")
    assert ran.code == 0, ran.out


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("true", "Nothing was changed in the editor"),
        ("sh -c 'exit 3'", "sh -c 'exit 3' ended with 3"),
        ("no-such-editor", "no-such-editor: No such file or directory"),
        ("truncate -s 0", "Nothing was left in the editor"),
        ("'", "': No closing quotation"),
    ],
)
async def test_an_editor_that_makes_nothing_of_it_leaves_the_entry_as_it_is(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch, command: str, says: str
) -> None:
    await set_aside(world, bad())
    monkeypatch.setenv("VISUAL", command)
    ran = await orderline("quarantine", "replay", await only_id(orderline), "--edit")
    assert ran.code == 1
    assert f"orderline: {says}" in ran.err
    [now] = await listed(orderline, "--all")
    assert now["decision"] is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["killed", "hung up"])
async def test_who_is_ended_in_the_editor_leaves_nothing_to_read(
    world: World, orderline: Orderline, tmp_path: Path, number: signal.Signals
) -> None:
    await set_aside(world, bad())
    entry = await only_id(orderline)
    private = tmp_path / "private"
    private.mkdir()
    waits = f"{sys.executable} -c 'import time; [time.sleep(0.1) for _ in iter(int, 1)]'"
    environment = clean(**ours(), VISUAL=waits, TMPDIR=str(private))

    def end_it() -> int:
        arguments = ("quarantine", "replay", entry, "--edit")
        with started(*arguments, cwd=tmp_path, env=environment) as (process, _):
            assert eventually(lambda: len(relatives(environment)) > 1)
            assert [each.name for each in private.rglob("*.json")] == ["entry.json"]
            process.send_signal(number)
            return process.wait(PATIENCE)

    assert await asyncio.to_thread(end_it)
    assert await asyncio.to_thread(lambda: list(private.iterdir())) == []
    assert relatives(environment) == []
    assert len(await listed(orderline)) == 1


# --- on a terminal -----------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "code", "left"), [(b"y\n", 0, 0), (b"n\n", 1, 2)])
async def test_on_a_terminal_many_are_changed_only_after_a_yes(
    world: World, orderline: Orderline, tmp_path: Path, answer: bytes, code: int, left: int
) -> None:
    await set_aside(world, bad("1"), b"{")

    def decide() -> tuple[int, bytes]:
        arguments = ("quarantine", "drop", "--producer", "shop", "--why", "a test")
        with closing(Terminal(*arguments, cwd=tmp_path, env=clean(**ours()))) as terminal:
            assert terminal.read_until(b"[y/N]"), terminal.printed
            terminal.press(answer)
            return terminal.read_all(), terminal.printed

    ended, printed = await asyncio.to_thread(decide)
    assert ended == code
    assert b"2 entries fit: 1 unknown_field, 1 not_json. Drop?" in printed
    assert len(await listed(orderline)) == left


async def test_nothing_that_fits_is_nothing_to_ask_about(
    world: World, orderline: Orderline
) -> None:
    await set_aside(world, bad())
    ran = await orderline("quarantine", "drop", "--producer", "other", "--why", "x")
    assert (ran.code, ran.out) == (0, "No open entry fits.\n")


async def test_a_drop_needs_its_reason(world: World, orderline: Orderline) -> None:
    await set_aside(world, bad())
    ran = await orderline("quarantine", "drop", await only_id(orderline))
    assert ran.code == 2
    assert "--why" in ran.err
    assert len(await listed(orderline)) == 1


# --- P7 ----------------------------------------------------------------------------------------


async def test_what_an_entry_says_is_in_no_log_and_in_nothing_printed_that_did_not_ask_for_it(
    world: World, orderline: Orderline, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    misplaced = bad("1") | {f"to {PLAYER}": PLAYER}
    await set_aside(world, misplaced, bad("2", account=PLAYER), b'{"x": "%s' % PLAYER.encode())
    first, second, third = (each["short_id"] for each in (await listed(orderline))[::-1])
    printed = ""
    for arguments in (
        ["--all"],
        ["--all", "--json"],
        ["show", first],
        ["show", first, "--json"],
        ["replay", first, second, third],
        ["replay", first, second, third, "--unset", "colour", "--json"],
        ["replay", first, "--set", "colour.x=1"],
        ["replay", second, "--unset", "account", "--dry-run"],
        ["replay", second, "--unset", "account"],
        ["drop", first, third, "--why", "x"],
        ["replay", first],
        ["--all", "--json"],
    ):
        ran = await orderline("quarantine", *arguments)
        printed += ran.out + ran.err
    assert PLAYER not in printed
    assert PLAYER not in caplog.text
    assert PLAYER in (await orderline("quarantine", "show", first, "--body")).out
    assert [each["decision"] for each in await listed(orderline, "--all")] == [
        "dropped",
        "replayed",
        "dropped",
    ]
