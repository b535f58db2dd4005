"""P2 at Feedback Company: nothing can be asked there, so doubt is a person's."""

import pytest
from sqlalchemy import text

from tests.stories.conftest import Story, feedback
from worker.store.session import Boundary

IN_DOUBT = ["cut-before", "cut-after", "reset-after", "500-after", "404-after", "garbage", "502"]
SURE = {
    "ok": "fulfilled",
    "429": "fulfilled",
    "401": "fulfilled",
    "drip": "fulfilled",
    "empty-204": "fulfilled",
    "refused": "refused",
    "refused-200": "refused",
    "error-true": "refused",
    "no-access": "failed",
}


def notices(*names: str, **more: str) -> list[dict[str, object]]:
    return [feedback(name, f"sandbox-{name}", **more) for name in names]


async def test_what_is_certain_needs_nobody(story: Story) -> None:
    await story.submit(*notices(*SURE))
    await story.play()
    assert {name: await story.state(name) for name in SURE} == SURE
    assert not story.sandbox.books.duplicates("feedback_company")


async def test_every_doubt_goes_to_a_person_and_nothing_is_sent_twice(story: Story) -> None:
    await story.submit(*notices(*IN_DOUBT))
    await story.play()
    assert {await story.state(name) for name in IN_DOUBT} == {"parked"}
    assert {tuple(story.told(f"{name}-1")) for name in IN_DOUBT} == {("in_doubt",)}
    assert story.sandbox.hits("feedback_company", "create") == len(IN_DOUBT)


async def test_with_the_accounts_leave_the_very_same_notice_is_sent_once_more(story: Story) -> None:
    await story.submit(*notices(*IN_DOUBT, account="lenient"))
    await story.play()
    assert {await story.state(name) for name in IN_DOUBT} == {"fulfilled"}
    assert story.sandbox.hits("feedback_company", "create") == 2 * len(IN_DOUBT)
    assert not story.sandbox.books.duplicates("feedback_company")
    sent = await story.all("SELECT number, sends, outcome FROM attempts")
    assert sent == [(1, 2, "confirmed")] * len(IN_DOUBT)


async def test_leave_that_was_taken_back_meanwhile_is_no_leave(story: Story) -> None:
    await story.submit(*notices("cut-after", account="lenient"))
    await story.work()
    # As after a restart with the setting turned off: nobody may send it again now.
    async with story.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("UPDATE orders SET account = 'default'"))
    await story.play()
    assert (await story.state("cut-after"), story.told("cut-after-1")) == ("parked", ["in_doubt"])
    assert story.sandbox.hits("feedback_company", "create") == 1


async def test_what_may_be_sent_again_lies_sealed_on_disk_before_its_first_byte(
    story: Story,
) -> None:
    await story.submit(*notices("cut-after", account="lenient"))
    await story.work()
    sealed = await story.one("SELECT sealed_request FROM attempts")
    assert b"example.com" not in bytes(sealed)
    assert b'"cut-after@example.com"' in story.engine.rt.vault.unseal(sealed)
    await story.play()
    assert await story.one("SELECT sealed_request FROM attempts") == sealed


@pytest.mark.parametrize(("account", "sends"), [("default", 1), ("lenient", 2)])
async def test_accounts_of_one_client_share_its_one_living_token(
    story: Story, account: str, sends: int
) -> None:
    await story.submit(feedback("1"), feedback("2", account="lenient"))
    await story.play()
    await story.submit(feedback("3", "sandbox-cut-after", account=account))
    await story.play()
    assert story.sandbox.hits("feedback_company", "login") == 1
    assert await story.one("SELECT count(*) FROM tokens WHERE provider = 'feedback_company'") == 1
    assert await story.one("SELECT max(sends) FROM attempts") == sends
