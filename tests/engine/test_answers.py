"""Whatever a provider says, or an adapter does, there is an answer, and it holds no token."""

from collections.abc import AsyncIterator

import pytest

from worker.crypto import Vault
from worker.outcome import Confirmed, Evidence, InDoubt, NotSent, Outcome, RefusalCode, Refused
from worker.runtime import Runtime, open_runtime
from worker.settings import Settings
from worker.steps.answer import answer

TOKEN = "eyJhbGciOi.token-5512345678"
SEEN = Evidence(400, "ref", f'{{"message": "token {TOKEN} is not good"}}')
CUT = InDoubt("cut")


@pytest.fixture
async def rt() -> AsyncIterator[Runtime]:
    settings = Settings(
        _env_file=None,
        database_url="postgresql://nowhere",
        redis_url="redis://nowhere",
        encryption_keys=Vault.new_key(),
    )
    async with open_runtime(settings) as runtime:
        yield runtime


@pytest.mark.parametrize(
    "said",
    [
        Confirmed("their-id", evidence=SEEN),
        Refused(RefusalCode.INVALID, f"no such token: {TOKEN}", evidence=SEEN),
        NotSent(f"token {TOKEN} expired", evidence=SEEN),
        InDoubt(f"unreadable: {TOKEN}", SEEN),
    ],
)
async def test_an_answer_that_repeats_our_token_is_kept_without_it(
    rt: Runtime, said: Outcome
) -> None:
    async def question(token: str | None) -> Outcome:
        assert token == TOKEN
        return said

    kept = await answer(question, TOKEN, rt, cut=CUT)
    assert type(kept) is type(said)
    assert TOKEN not in f"{kept!r} {kept.evidence!r}"
    assert kept.evidence.body
    assert "is not good" in kept.evidence.body


async def test_a_bug_in_an_adapter_is_doubt(rt: Runtime) -> None:
    async def question(token: str | None) -> Outcome:
        raise KeyError(token)

    kept = await answer(question, TOKEN, rt, cut=CUT)
    assert kept == InDoubt("our adapter failed: KeyError")
