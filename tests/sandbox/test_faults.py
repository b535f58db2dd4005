"""Each fault over a real socket, checked against the books; and chance that can be repeated."""

import asyncio
from typing import Any

import aiohttp
import pytest

from worker.sandbox import Fault, Faults, Sandbox, SandboxSettings
from worker.sandbox.remote import Documented, Remote, Reply
from worker.sandbox.remotes import REMOTES

# fault: (what the caller sees, whether the remote acted)
SEEN: dict[Fault, tuple[int | str, bool]] = {
    Fault.NONE: (200, True),
    Fault.CUT_BEFORE: ("cut", False),
    Fault.CUT_AFTER: ("cut", True),
    Fault.CUT_MID_AFTER: ("torn", True),
    Fault.RESET_BEFORE: ("reset", False),
    Fault.RESET_AFTER: ("reset", True),
    Fault.HANG_BEFORE: ("silence", False),
    Fault.HANG_AFTER: ("silence", True),
    Fault.GARBAGE_AFTER: (200, True),
    Fault.OVERSIZED_AFTER: (200, True),
    Fault.ERROR_500_BEFORE: (500, False),
    Fault.ERROR_500_AFTER: (500, True),
    Fault.NOT_FOUND_404_AFTER: (404, True),
    Fault.UNAVAILABLE_503: (503, False),
    Fault.THROTTLED_429: (429, False),
    Fault.THROTTLED_429_DATE: (429, False),
    Fault.UNAUTHORIZED_401: (401, False),
    Fault.HTML_ERROR_PAGE: (502, False),
    Fault.GATEWAY_TIMEOUT_504: (504, True),
    Fault.SLOW_DRIP: (200, True),
    Fault.ENDLESS_DRIP: ("silence", True),
    Fault.LATE_ANSWER: (200, True),
}
BEGUN = frozenset({Fault.CUT_MID_AFTER, Fault.ENDLESS_DRIP})
"""Whose answers begin well: their status is told."""
BASKET = {"basketData": [{"DeliverID": "ref", "CustomerStoreProductID": 234, "Quantity": 1}]}


def test_every_fault_is_tried_here() -> None:
    assert set(SEEN) == set(Fault)


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_fault_shows_one_thing_to_the_caller_and_another_in_the_books(
    fault: Fault, hyper: Any, sandbox: Sandbox
) -> None:
    how, executed = SEEN[fault]
    sandbox.script("hyperteknoloji", "create", [fault])
    answer = await hyper("POST", "/Order/create", BASKET)
    assert answer.how == how
    assert len(sandbox.live_orders("hyperteknoloji", "ref")) == int(executed)
    entry = sandbox.journal.entries[-1]
    assert (entry.fault, entry.executed) == (fault, executed)
    began = 200 if fault in BEGUN else None
    assert entry.status == (how if isinstance(how, int) else began)
    assert sandbox.hits("hyperteknoloji", "/order/CREATE", executed=executed) == 1


async def test_a_script_says_call_by_call_what_happens_and_then_ends(
    hyper: Any, sandbox: Sandbox
) -> None:
    sandbox.script("hyperteknoloji", "create", [Fault.UNAVAILABLE_503, Fault.NONE])
    body = {"basketData": [BASKET["basketData"][0] | {"CustomerStoreProductID": 9}]}
    seen = [(await hyper("POST", "/Order/create", body)).how for _ in range(3)]
    assert seen == [503, 200, "cut"], "a script goes before magic, then magic has its turn"


async def test_a_script_for_no_operation_is_a_mistake_one_hears_of(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="no operation 'creat'"):
        sandbox.script("hyperteknoloji", "creat", [Fault.NONE])


@pytest.mark.parametrize("executes", [False, True])
async def test_a_documented_failure_is_answered_as_it_stands(
    hyper: Any, sandbox: Sandbox, *, executes: bool
) -> None:
    body = {"success": False, "message": "Out of order"}
    failure = Documented("create", "418", Reply(418, body), executes=executes)
    sandbox.script("hyperteknoloji", "create", [failure])
    answer = await hyper("POST", "/Order/create", BASKET)
    assert (answer.how, answer.body) == (418, body)
    assert len(sandbox.live_orders("hyperteknoloji", "ref")) == int(executes)
    assert sandbox.hits("hyperteknoloji", "create", executed=executes) == 1


@pytest.mark.parametrize("remote", REMOTES, ids=lambda one: one.name)
def test_every_documented_failure_is_of_an_operation_and_has_its_own_name(
    remote: type[Remote], sandbox: Sandbox
) -> None:
    rows = [(one.operation, one.name) for one in remote.documented]
    assert rows
    assert len(set(rows)) == len(rows)
    assert {operation for operation, _ in rows} <= set(sandbox.operations(remote.name))


async def test_at_gifthub_being_turned_away_is_a_403(gifthub: Any, sandbox: Sandbox) -> None:
    sandbox.script("gifthub", "customer", [Fault.UNAUTHORIZED_401])
    assert (await gifthub("GET", "/customer/info")).how == 403


async def test_a_dripping_answer_is_whole_in_the_end(hyper: Any, sandbox: Sandbox) -> None:
    sandbox.script("hyperteknoloji", "customer", [Fault.SLOW_DRIP])
    answer = await hyper("GET", "/Customer/Get")
    assert answer.body["data"]["currencyCode"] == "TRY"


async def test_a_cut_is_also_a_cut_on_a_reused_connection(sandbox: Sandbox) -> None:
    account = sandbox.account_settings()["gifthub"]["default"]
    headers = {"Authorization": f"Bearer {account['token']}"}
    sandbox.script("gifthub", "customer", [Fault.NONE])
    sandbox.script("gifthub", "create", [Fault.CUT_AFTER])
    async with aiohttp.ClientSession(headers=headers) as reusing:
        async with reusing.get(f"{account['base_url']}/customer/info") as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await reusing.post(f"{account['base_url']}/order/create", json={})
    assert sandbox.hits("gifthub", "create") == 1


# --- chance --------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_faults() -> None:
    def drawn(seed: int) -> list[Fault]:
        faults = Faults(seed, 0.3)
        return [faults.draw() for _ in range(300)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    hit = sum(fault is not Fault.NONE for fault in drawn(7))
    assert 50 < hit < 130


def test_a_rate_can_be_given_for_each_kind() -> None:
    faults = Faults(1, {Fault.CUT_AFTER: 0.5, Fault.THROTTLED_429: 0.5})
    assert {faults.draw() for _ in range(100)} == {Fault.CUT_AFTER, Fault.THROTTLED_429}


@pytest.mark.parametrize("rate", [-0.1, 1.5, {Fault.CUT_AFTER: 0.7, Fault.SLOW_DRIP: 0.7}])
def test_rates_that_are_no_probabilities_are_refused(rate: Any) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        Faults(1, rate)


async def test_two_sandboxes_of_one_seed_live_the_same_life(
    clock: Any, session: aiohttp.ClientSession
) -> None:
    async def life() -> list[tuple[str, bool]]:
        kinds = dict.fromkeys([Fault.ERROR_500_AFTER, Fault.UNAVAILABLE_503], 0.3)
        settings = SandboxSettings(fault_rate=kinds)
        async with Sandbox(clock=clock, seed=5, settings=settings) as sandbox:
            for _ in range(20):
                async with session.get(sandbox.url("gifthub") + "/customer/info"):
                    pass
            return [(entry.fault, entry.executed) for entry in sandbox.journal.entries]

    first, second = await life(), await life()
    assert first == second
    assert len(set(first)) == 3


async def test_latency_is_waited_before_the_remote_looks(
    session: aiohttp.ClientSession,
) -> None:
    settings = SandboxSettings(latency={"gifthub": 0.1})
    async with Sandbox(settings=settings) as sandbox:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with session.get(sandbox.url("gifthub") + "/customer/info"):
            pass
        assert loop.time() - began >= 0.1
        assert settings.latency_of("hyperteknoloji") == 0
