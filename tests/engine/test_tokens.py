"""Access tokens: one login for everybody, renewed once, and a failed login is nobody's end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from worker.calls import Calls
from worker.clock import SystemClock
from worker.crypto import Vault
from worker.outcome import InDoubt, NotSent, Outcome, RefusalCode, Refused
from worker.provider import Token
from worker.store.session import Boundary, Database
from worker.tokens import TokenCare, TokenKeeper

SetClock = Callable[[timedelta], None]

HOUR = timedelta(hours=1)
EARLY = timedelta(seconds=60)
LONGEST_REST = timedelta(minutes=5)


@dataclass
class Login:
    """The provider's door: counts who knocks, and answers when it is told to."""

    lifetime: timedelta | None = HOUR
    answers: list[Outcome] = field(default_factory=list)
    logins: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    knocked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def __call__(self) -> Token | Outcome:
        self.logins += 1
        number = self.logins
        self.knocked.set()
        await self.open.wait()
        if self.answers:
            return self.answers.pop(0)
        end = None if self.lifetime is None else datetime.now(UTC) + self.lifetime
        return Token(f"token-{number}", end)


class Hands(SystemClock):
    """A clock whose monotonic reading can be turned on."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def a_keeper(
    db: Database,
    vault: Vault,
    login: Login,
    *,
    clock: Hands | None = None,
    calls: Calls | None = None,
    patience: float = 10,
    account: str = "default",
) -> TokenKeeper:
    return TokenKeeper(
        db,
        vault,
        clock or Hands(),
        calls or Calls(),
        provider="gifthub",
        owner=account,
        login=login,
        care=TokenCare(timedelta(seconds=patience), EARLY, LONGEST_REST),
    )


async def test_two_workers_log_in_once(db: Database, vault: Vault) -> None:
    login = Login()
    keepers = [a_keeper(db, vault, login) for _ in range(2)]
    tokens = await asyncio.gather(*(keeper.get() for keeper in keepers for _ in range(10)))
    assert tokens == ["token-1"] * 20
    assert login.logins == 1


async def test_a_token_is_used_again_without_asking_anybody(db: Database, vault: Vault) -> None:
    keeper = a_keeper(db, vault, Login())
    assert await keeper.get() == "token-1"
    async with db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("DROP TABLE tokens"))
    assert await keeper.get() == "token-1"


async def test_a_new_worker_uses_the_token_of_the_others(db: Database, vault: Vault) -> None:
    login = Login()
    await a_keeper(db, vault, login).get()
    assert await a_keeper(db, vault, Login()).get() == "token-1"


async def test_the_token_is_not_readable_in_the_database(db: Database, vault: Vault) -> None:
    await a_keeper(db, vault, Login()).get()
    async with db.reading() as connection:
        row = (await connection.execute(text("SELECT t.* , t::text AS all FROM tokens t"))).one()
    assert "token-1" not in row.all
    assert b"token-1" not in bytes(row.sealed_token)
    assert vault.unseal(row.sealed_token) == b"token-1"


async def test_each_account_has_its_own_token(db: Database, vault: Vault) -> None:
    login = Login()
    assert await a_keeper(db, vault, login).get() == "token-1"
    assert await a_keeper(db, vault, login, account="other").get() == "token-2"


# --- renewing --------------------------------------------------------------------------------


async def test_a_rejected_token_is_renewed_once_by_all_together(db: Database, vault: Vault) -> None:
    login = Login()
    keepers = [a_keeper(db, vault, login) for _ in range(2)]
    await asyncio.gather(*(keeper.get() for keeper in keepers))
    renewed = await asyncio.gather(
        *(keeper.get(rejected="token-1") for keeper in keepers for _ in range(5))
    )
    assert renewed == ["token-2"] * 10
    assert login.logins == 2
    assert await keepers[0].get() == "token-2"


async def test_a_token_rejected_long_ago_does_not_cost_the_new_one(
    db: Database, vault: Vault
) -> None:
    login = Login()
    keeper = a_keeper(db, vault, login)
    await keeper.get()
    await keeper.get(rejected="token-1")
    assert await keeper.get(rejected="token-1") == "token-2"
    assert login.logins == 2


async def test_a_token_is_renewed_early_by_the_databases_clock(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    login, clock = Login(), Hands()
    keeper = a_keeper(db, vault, login, clock=clock)
    await keeper.get()
    for ahead, token in (
        (HOUR - EARLY - timedelta(seconds=20), "token-1"),
        (HOUR - EARLY + timedelta(seconds=1), "token-2"),
    ):
        set_clock(ahead)
        clock.ahead += 60  # so that the keeper asks the database
        assert await keeper.get() == token


async def test_a_token_that_names_no_end_lives_until_it_is_rejected(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    login = Login(lifetime=None)
    await a_keeper(db, vault, login).get()
    set_clock(timedelta(days=365))
    assert await a_keeper(db, vault, login).get() == "token-1"


# --- failing ---------------------------------------------------------------------------------


async def test_a_failed_login_sends_nothing_and_after_a_rest_the_next_one_may_try(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    wish = timedelta(seconds=7)
    login = Login(
        answers=[
            NotSent("429", retry_after=wish),
            InDoubt("reset"),
            Refused(RefusalCode.FORBIDDEN, "wrong password: hunter2"),
        ]
    )
    keeper = a_keeper(db, vault, login)
    failures = []
    for number in range(3):
        set_clock(number * 10 * wish)
        failures.append(await keeper.get())
    assert failures[:2] == [
        NotSent("no access token: 429", retry_after=wish),
        NotSent("no access token: reset"),
    ]
    assert isinstance(failures[2], NotSent)
    assert "hunter2" not in repr(failures[2])
    set_clock(40 * wish)
    assert await keeper.get() == "token-4"


async def test_logins_that_fail_rest_longer_each_time_whoever_asks(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    login = Login(answers=[Refused(RefusalCode.FORBIDDEN, "no")] * 12)
    keepers = [a_keeper(db, vault, login) for _ in range(3)]
    rests, ahead = [], timedelta()
    for _ in range(10):
        failures = [await keeper.get() for keeper in keepers]
        resting = failures[-1]
        assert isinstance(resting, NotSent)
        assert resting.retry_after
        rests.append(round(resting.retry_after.total_seconds()))
        ahead += resting.retry_after
        set_clock(ahead + timedelta(seconds=0.1))
    assert login.logins == 10
    assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


async def test_a_login_that_succeeds_ends_the_rests(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    login = Login(answers=[Refused(RefusalCode.FORBIDDEN, "no")] * 3)
    keeper = a_keeper(db, vault, login)
    tokens = []
    for number in range(4):
        set_clock(number * timedelta(seconds=10))
        tokens.append(await keeper.get())
    assert tokens[-1] == "token-4"
    login.answers.append(Refused(RefusalCode.FORBIDDEN, "no"))
    assert isinstance(await keeper.get(rejected="token-4"), NotSent)
    resting = await keeper.get(rejected="token-4")
    assert isinstance(resting, NotSent)
    assert resting.retry_after
    assert resting.retry_after <= timedelta(seconds=1)


async def test_a_worker_waits_for_anothers_login_only_so_long(db: Database, vault: Vault) -> None:
    slow, never = Login(), Login()
    slow.open.clear()
    first = asyncio.create_task(a_keeper(db, vault, slow).get())
    await slow.knocked.wait()
    waited = await a_keeper(db, vault, never, patience=0.3).get()
    assert isinstance(waited, NotSent)
    assert never.logins == 0
    slow.open.set()
    assert await first == "token-1"


async def test_a_worker_that_waited_gets_the_token_the_other_one_brings(
    db: Database, vault: Vault
) -> None:
    slow, never = Login(), Login()
    slow.open.clear()
    first = asyncio.create_task(a_keeper(db, vault, slow).get())
    await slow.knocked.wait()
    second = asyncio.create_task(a_keeper(db, vault, never).get())
    await asyncio.sleep(0.05)
    slow.open.set()
    assert await first == await second == "token-1"
    assert never.logins == 0


async def test_the_login_of_a_dead_worker_is_made_by_another_one(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    dying = Login()
    dying.open.clear()
    lost = asyncio.create_task(a_keeper(db, vault, dying).get())
    await dying.knocked.wait()
    lost.cancel()
    await asyncio.wait({lost})
    set_clock(timedelta(seconds=21))
    assert await a_keeper(db, vault, Login()).get() == "token-1"


async def test_a_worker_that_is_stopped_lets_the_next_one_log_in(
    db: Database, vault: Vault
) -> None:
    login, calls = Login(), Calls()
    login.open.clear()
    waiting = asyncio.create_task(a_keeper(db, vault, login, calls=calls).get())
    await login.knocked.wait()
    calls.stop()
    assert isinstance(await waiting, NotSent)
    assert await a_keeper(db, vault, Login()).get() == "token-1"


async def test_a_login_that_came_too_late_does_not_replace_a_newer_token(
    db: Database, vault: Vault, set_clock: SetClock
) -> None:
    slow = Login()
    slow.open.clear()
    late = asyncio.create_task(a_keeper(db, vault, slow).get())
    await slow.knocked.wait()
    set_clock(timedelta(seconds=21))
    quick = Login(logins=10)
    assert await a_keeper(db, vault, quick).get() == "token-11"
    slow.open.set()
    await late
    assert await a_keeper(db, vault, Login()).get() == "token-11"


async def test_a_login_that_failed_has_failed_for_all_who_waited_for_it(
    db: Database, vault: Vault
) -> None:
    login = Login(answers=[InDoubt("timeout")] * 5)
    login.open.clear()
    keeper = a_keeper(db, vault, login)
    asking = [asyncio.create_task(keeper.get()) for _ in range(5)]
    await login.knocked.wait()
    login.open.set()
    assert await asyncio.gather(*asking) == [NotSent("no access token: timeout")] * 5
    assert login.logins == 1


async def test_a_token_that_no_key_opens_is_replaced(db: Database, vault: Vault) -> None:
    login = Login()
    await a_keeper(db, vault, login).get()
    other_key = Vault([Vault.new_key()])
    assert await a_keeper(db, other_key, login).get() == "token-2"


async def test_without_a_database_there_is_no_token_and_no_exception(vault: Vault) -> None:
    nowhere = Database("postgresql+psycopg://127.0.0.1:1/nowhere")
    answer = await a_keeper(nowhere, vault, Login()).get()
    assert answer == NotSent("no access token: the database is away")
