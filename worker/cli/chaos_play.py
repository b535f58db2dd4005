"""Play a chaos run: servers, run and screen together, and all of it away again."""

import asyncio
import shlex
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from worker.chaos.run import Asked, Audience, run
from worker.chaos.schedule import WORKERS, Kind
from worker.chaos.verdict import Verdict
from worker.cli.chaos_screen import Screen
from worker.cli.local import DATABASE_URL, REDIS_URL, apart, given
from worker.embedded import restartable_servers


@dataclass(frozen=True, slots=True)
class Told:
    """A run's verdict, and how to look into it."""

    verdict: Verdict
    replay: str
    """The command that makes the same run again."""
    logs: Path | None
    """Where its logs are, if they were kept."""

    def as_json(self) -> dict[str, object]:
        """All of it as one object."""
        logs = None if self.logs is None else str(self.logs)
        return {**self.verdict.as_json(), "replay": self.replay, "logs": logs}


def play(asked: Asked, *, keep_logs: Path | None) -> Told:
    """Play it, show it and say the verdict. Raises ``OrderlineError`` where it cannot go on."""
    screen = Screen()
    screen.say(f"Seed {asked.seed}; again by: {replay(asked)}")
    ignored = [name for name in (DATABASE_URL, REDIS_URL) if given(name)]
    if ignored:
        screen.say(f"{' and '.join(ignored)}: not used; what is destroyed here is our own")
    logs = Path(mkdtemp(prefix="orderline-chaos-logs-")) if keep_logs is None else keep_logs
    verdict = _run(asked, screen, logs.absolute())
    kept: Path | None = logs.absolute()
    if keep_logs is None and not verdict.broken:
        shutil.rmtree(logs)
        kept = None
    told = Told(verdict, replay(asked), kept)
    screen.judge(verdict, told.replay, kept)
    return told


def _run(asked: Asked, screen: Screen, logs: Path) -> Verdict:
    with ExitStack() as stack:
        empty = Path(stack.enter_context(TemporaryDirectory(prefix="orderline-chaos-")))
        stack.enter_context(apart(empty))
        keeper = stack.enter_context(restartable_servers(empty, say=screen.say))
        with screen.running():
            return asyncio.run(run(keeper, logs, asked, Audience(screen.say, screen.show)))


def replay(asked: Asked) -> str:
    """The command that makes the same run again."""
    words = ["orderline", "chaos", "--orders", str(asked.orders), "--seed", str(asked.seed)]
    if asked.workers != WORKERS:
        words += ["--workers", str(asked.workers)]
    if asked.seconds is not None:
        words += ["--for", f"{asked.seconds:g}"]
    absent = [kind for kind in Kind if kind not in asked.kinds]
    if len(absent) <= len(asked.kinds):
        words += [word for kind in absent for word in ("--without", kind)]
    else:
        words += [word for kind in asked.kinds for word in ("--only", kind)]
    return shlex.join(words)
