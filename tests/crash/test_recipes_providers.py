"""Providers that accept and hang up, fail and accept, say "later", and call back as they like.

Told elsewhere, for every provider, every call and every cut of the line:

| recipe | where |
|---|---|
| what each fault may be taken for | ``tests/providers/suite_faults.py`` |
| ``Retry-After`` in both its forms | the same, ``test_a_throttled_call_tells_how_long_to_wait`` |
| doubled, early, late, lying callbacks | ``tests/stories/test_callbacks.py`` |
| a worker killed as it hears one | ``test_boundaries``, *called-back* |
| webhooks to addresses that are not public (the SSRF table, rebinding, a 302 to the metadata \
service) | ``tests/delivery/test_guard.py``, ``tests/delivery/test_sender.py`` |
"""

from collections import Counter

from tests.crash.baskets import AT_ONCE
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import gifthub, hyper
from worker.lifecycle import Step
from worker.providers import REGISTRY
from worker.sandbox import Fault

SCRIPT = [
    Fault.CUT_AFTER,  # accepts, then drops the response
    Fault.ERROR_500_BEFORE,  # fails; the next call is accepted
    Fault.THROTTLED_429,
    Fault.THROTTLED_429_DATE,
]


# Plain Celery retries whatever raised: what was accepted and not answered is bought once more.
async def test_providers_that_fail_in_every_way_sell_nothing_twice(works: Works) -> None:
    for remote in REGISTRY:
        works.sandbox.script(remote, "create", SCRIPT)
    works.sandbox.script("gifthub", "confirm", SCRIPT)
    await works.start_worker("one")
    await works.start_worker("two")
    await works.start_beat()
    for number in range(len(SCRIPT)):
        await works.submit(*(ask(f"{letter}{number}") for letter, ask in AT_ONCE.items()))
    await works.until_at_rest()

    states = await works.states()
    parked = [name for name, state in states.items() if state == "parked"]
    await check_promises(works, may_be_parked=parked)
    assert set(states.values()) == {"fulfilled", "parked"}
    # Their lists prove nothing, or there is none: the 500, and for the one the lost answer, too.
    assert Counter(name[0] for name in parked) == {"h": 1, "f": 2}


# Plain Celery has no such door; a web view that starts a task a callback does it all again.
async def test_callbacks_that_come_early_twice_and_late_change_nothing_by_themselves(
    works: Works,
) -> None:
    await works.start_worker("one")
    await works.start_worker("two")
    await works.start_beat()
    await works.submit(hyper("h", 29), gifthub("g"))  # executed at once, answered a moment later
    await works.until(lambda: works.sandbox.hits("hyperteknoloji", "create"), "it is bought")
    for _ in range(2):
        await works.call_back("h")  # before the answer, and doubled
    await works.until_at_rest()
    for _ in range(3):
        await works.call_back("h")  # stale
    await works.until_nothing_waits()
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"h": "fulfilled", "g": "fulfilled"}
    calls = await works.all("SELECT step, outcome FROM attempts WHERE commits")
    assert Counter(calls) == {(Step.PLACE, "confirmed"): 1, (Step.CONFIRM, "confirmed"): 1}
