"""What is done by the command stands in the same record as what is done in the console."""

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.store.deeds import deeds

URL = "https://shop.example/hooks"


async def test_whatever_a_person_decides_by_the_command_is_a_deed(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent("a-1", intent_id="a"), b"{", b"[")
    await world.tell(code=503)
    by = ("--by", "root", "--why", "ticket 4711")
    for arguments in (
        ("cancel", "a", "--why", "ticket 4711", "--wait", "0"),
        ("pause", "hyperteknoloji/default", *by),
        ("resume", "hyperteknoloji/default", *by),
        ("resume", "hyperteknoloji/default", *by),  # nothing to resume: no deed
        ("endpoints", "disable", URL, *by),
        ("endpoints", "enable", URL, *by),
        ("notifications", "replay", "--order", "a", "--yes", *by),
        ("notifications", "replay", "--producer", "shop", "--yes", *by),
        ("quarantine", "replay", "--limit", "1", "--yes", *by),
        ("quarantine", "drop", "--limit", "1", "--yes", *by),
    ):
        await orderline(*arguments)
    done = (await deeds(world.db))[::-1]
    assert {(deed.via, deed.why) for deed in done} == {("command", "ticket 4711")}
    assert {deed.by for deed in done[1:]} == {"root"}
    told = [(deed.action, (deed.about or "").partition("/")[0]) for deed in done]
    assert told == [
        ("order to be called off", ""),
        ("account paused", "hyperteknoloji"),
        ("account resumed", "hyperteknoloji"),
        ("endpoint disabled", "https:"),
        ("endpoint enabled", "https:"),
        ("notifications replayed", "of shop"),
        ("quarantined entry taken in again", "quarantine"),
        ("quarantined entry dropped", "quarantine"),
    ]
    assert done[0].order_id is not None
