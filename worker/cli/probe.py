"""Looking at an installation with a deadline: whatever does not answer in time is told as that.

Findings are written down as they are made. So when one server answers nothing at all, the other
one's part is known none the less, and nobody waits for a connection to be closed in good order.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from worker import streams
from worker.cli.session import Unreachable, opened_database, opened_redis, revision
from worker.clock import SystemClock
from worker.health import accounts, broker, database, progress, turns
from worker.health.finding import Finding, Level, fail
from worker.health.progress import Limits, Progress
from worker.health.pulses import judge_loops, judge_pulses
from worker.pulse import Pulse, PulseUnreadable, read_pulses
from worker.settings import Settings
from worker.store import migrations, producers
from worker.store.session import Database

MEND: Final = "start it, or correct the variable"
"""What to do about a server that does not answer."""

BEAT: Final = ("database", "schema", "sweep")
INSTALLATION: Final = (
    "database", "schema", "redis", "redis room", "intake", "callbacks", "overdue orders",
    "overdue notifications", "resting accounts", "sweep", "jobs",
)  # fmt: skip

_SERVERS: Final = ("database", "redis")
"""The checks that depend on no other."""
_DOCTOR: Final = "run `orderline doctor`"
_SAME: Final = "run this as the user that the worker runs as, and of the same version"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look came to; ``late`` when something did not answer in time."""

    findings: Sequence[Finding]
    late: bool

    @property
    def healthy(self) -> bool:
        """Whether nothing fails; what is only late does not."""
        return all(each.level is not Level.FAIL for each in self.findings)


@dataclass(slots=True)
class Board:
    """What was found so far."""

    found: dict[str, Finding]
    limits: Limits
    progress: Progress | None = None
    producers: list[str] | None = None
    known: asyncio.Event = field(default_factory=asyncio.Event)
    """Once the producers are known, or cannot be."""
    pulses: tuple[Sequence[Pulse], float] | None = None
    """And when they were felt, by the machine's monotonic clock."""

    def put(self, *findings: Finding) -> None:
        """Write down what was found, where somebody wants to know it."""
        self.found.update((each.check, each) for each in findings if each.check in self.found)


async def look_at_installation(settings: Settings, patience: float) -> Seen:
    """Whether what is due in this installation moves."""
    board = _board(INSTALLATION, settings, patience)
    late = await _within(patience, _rows(settings, board), _broker(settings, board))
    return Seen(list(board.found.values()), late)


async def look_at_beat(settings: Settings, patience: float) -> Seen:
    """Whether beat rings, as far as the rows tell."""
    board = _board(BEAT, settings, patience)
    late = await _within(patience, _rows(settings, board))
    return Seen(list(board.found.values()), late)


async def look_at_workers(settings: Settings, patience: float) -> Seen:
    """Whether the workers of this host move. What is due only adds to what they say themselves."""
    board = _board(["worker"], settings, patience)
    late = await _within(patience, _rows(settings, board), _pulses(settings, board))
    if board.pulses is None:
        return Seen(list(board.found.values()), late)
    felt, at = board.pulses
    return Seen(judge_pulses(felt, board.progress, at, board.limits), late)


async def look_at_loops(settings: Settings, patience: float) -> Seen:
    """Whether the loops of this host's workers turn. No server is asked."""
    board = _board(["worker"], settings, patience)
    late = await _within(patience, _pulses(settings, board))
    if board.pulses is None:
        return Seen(list(board.found.values()), late)
    felt, at = board.pulses
    return Seen(judge_loops(felt, at, board.limits), late)


def _board(checks: Iterable[str], settings: Settings, patience: float) -> Board:
    """Every check, none of them answered yet."""
    silent = f"no answer within {patience:g} s"
    unanswered = {
        check: fail(check, silent, MEND) if check in _SERVERS else fail(check, "not known", "")
        for check in checks
    }
    return Board(unanswered, Limits.of(settings))


async def _within(patience: float, *looks: Coroutine[Any, Any, None]) -> bool:
    """Look, and stop waiting when the time is over; whether it was."""
    tasks = [asyncio.create_task(look) for look in looks]
    _, pending = await asyncio.wait(tasks, timeout=patience)
    return bool(pending)


async def _rows(settings: Settings, board: Board) -> None:
    try:
        async with opened_database(settings) as db:
            await _read_rows(db, board)
    except Unreachable as error:
        board.put(fail("database", str(error), MEND))
    except Exception as error:  # noqa: BLE001 -- a probe says that something is wrong, whatever it is
        board.put(_strange("database", error))
    finally:
        board.known.set()


async def _read_rows(db: Database, board: Board) -> None:
    facts = await database.read_database(db, SystemClock())
    schema = database.judge_schema(await revision(db), migrations.newest())
    board.put(database.judge_version(facts.version, facts.major, facts.took), schema)
    if schema.level is not Level.OK:
        return
    board.producers = [each.name for each in await producers.every(db)]
    board.known.set()
    board.progress = await progress.read_progress(db)
    board.put(*progress.judge_progress(board.progress, board.limits))
    board.put(accounts.judge_rests(await accounts.read_resting(db)))
    board.put(turns.judge_turns(await turns.read_turns(db), board.limits))


async def _broker(settings: Settings, board: Board) -> None:
    clock = SystemClock()
    try:
        async with opened_redis(settings) as redis:
            await redis.ping()  # so that connecting is not timed
            begun = clock.monotonic()
            await redis.ping()
            board.put(broker.judge_answer(clock.monotonic() - begun))
            board.put(broker.judge_room(await streams.read_memory(redis)))
            behind = await streams.lag(redis, streams.CALLBACKS)
            board.put(progress.judge_callbacks(behind, board.limits))
            await board.known.wait()
            if board.producers is not None:
                waiting = await streams.waiting(redis, board.producers)
                board.put(progress.judge_lag(waiting, board.limits))
    except Unreachable as error:
        board.put(fail("redis", str(error), MEND))
    except Exception as error:  # noqa: BLE001 -- as above
        board.put(_strange("redis", error))


async def _pulses(settings: Settings, board: Board) -> None:
    try:
        felt = await asyncio.to_thread(read_pulses, settings)
    except (PulseUnreadable, OSError) as error:
        board.put(fail("worker", str(error), _SAME))
    else:
        board.pulses = felt, SystemClock().monotonic()


def _strange(check: str, error: Exception) -> Finding:
    return fail(check, f"cannot be read: {type(error).__name__}", _DOCTOR)
