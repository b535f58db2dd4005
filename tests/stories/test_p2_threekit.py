"""P2 at Threekit: whatever goes wrong, an order is recorded once, or a person decides."""

from tests.stories.conftest import Story, threekit

MISHAPS = {
    "sandbox-ok": "fulfilled",
    "sandbox-cut": "fulfilled",
    "sandbox-cut-before": "fulfilled",
    "sandbox-reset": "fulfilled",
    "sandbox-reset-before": "fulfilled",
    "sandbox-hang": "fulfilled",
    "sandbox-hang-before": "fulfilled",
    "sandbox-500-once": "fulfilled",
    "sandbox-500-executed": "fulfilled",
    "sandbox-404-executed": "fulfilled",
    "sandbox-503": "fulfilled",
    "sandbox-garbage": "fulfilled",
    "sandbox-502": "fulfilled",
    "sandbox-504": "fulfilled",
    "sandbox-401-once": "fulfilled",
    "sandbox-429-twice": "fulfilled",
    "sandbox-429-date": "fulfilled",
    "sandbox-listed-late": "fulfilled",
    "sandbox-cart-hidden": "fulfilled",
    "sandbox-no-id": "fulfilled",
    "sandbox-no-metadata": "fulfilled",
    "sandbox-empty-cart": "parked",  # it is there, and not what was asked for
    "sandbox-400": "refused",
    "sandbox-413": "refused",
    "sandbox-422": "refused",
    "sandbox-401": "failed",  # the token was never mended
    "sandbox-403": "failed",
    "sandbox-404": "failed",  # in doubt each time, absent each time, until it was given up
    "sandbox-500": "failed",
}

RECORDED = {"fulfilled", "parked"}


async def test_every_mishap_of_threekit_ends_known_or_parked_and_never_twice(story: Story) -> None:
    await story.submit(*(threekit(name, name) for name in MISHAPS))
    await story.play()
    ended = {name: await story.state(name) for name in MISHAPS}
    assert ended == MISHAPS
    assert not story.sandbox.books.duplicates("threekit")
    recorded = sum(state in RECORDED for state in ended.values())
    assert len(story.sandbox.live_orders("threekit")) == recorded
