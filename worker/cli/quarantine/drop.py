"""``orderline quarantine drop``."""

import asyncio
from collections.abc import Sequence

from schemas.ids import QuarantineId
from schemas.quarantine import Became, QuarantineView
from worker.cli.operator import By
from worker.cli.options import Because
from worker.cli.quarantine.chosen import agree, choose, under
from worker.cli.quarantine.options import (
    AtMost,
    Codes,
    Filters,
    JsonLines,
    Kind,
    Names,
    Producer,
    Since,
    Yes,
)
from worker.cli.quarantine.told import Teller
from worker.cli.session import opened
from worker.operating.retrying import Told, already_closed
from worker.store import quarantine
from worker.store.deeds import Act
from worker.store.quarantine import AlreadyClosed, Decided


def drop(  # noqa: PLR0913 -- each is an option of the command
    names: Names = None,
    *,
    why: Because,
    by: By,
    producer: Producer = None,
    code: Codes = None,
    kind: Kind = None,
    since: Since = None,
    limit: AtMost = None,
    yes: Yes = False,
    as_json: JsonLines = False,
) -> None:
    """Close entries of which nothing is to become. They stay kept, with who decided, and why.

    The producer is told (intent.refused) with the reason, unless it was told before that nothing
    will become of the entry.

    Name them by their ids, or choose among the open ones by filters: then --yes is needed, or a
    yes on the terminal.

    Ends with 0 when each was dropped, 1 when one was not (somebody had decided about it before), 2
    when it was called wrongly.

    Example: orderline quarantine drop --producer shop-eu --code unknown_provider --why "a test"
    """
    entries = choose(
        names, Filters(producer=producer, codes=code, kind=kind, since=since, limit=limit)
    )
    if entries and not names and not yes:
        agree("Drop", entries)
    teller = Teller(as_json=as_json)
    asyncio.run(_drop(entries, Decided(by=by, why=why), teller))
    teller.end()


async def _drop(entries: Sequence[QuarantineView], decided: Decided, teller: Teller) -> None:
    async with opened() as session:
        for entry in entries:
            try:
                signed = under(decided, Act.DROPPED, entry)
                await quarantine.drop(session.db, QuarantineId(entry.quarantine_id), signed)
            except AlreadyClosed:
                teller.tell(entry, await already_closed(session.db, session.vault, entry))
            else:
                teller.tell(entry, Told.of(entry, Became.DROPPED))
