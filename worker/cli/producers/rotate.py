"""``orderline producers rotate``."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from schemas.orders import span, stamp
from worker.cli.options import read_span
from worker.cli.output import Json, print_json, print_pairs, say
from worker.cli.producers.named import SHOWN_ONCE, Name, note
from worker.cli.session import opened
from worker.delivery.signing import new_secret
from worker.signers import CACHED
from worker.store import producers
from worker.store.producers import Producer, TwoLive

_DAY: Final = "24h"
_LONGEST: Final = timedelta(days=30)
_DECLINED: Final = 1


@dataclass(frozen=True, slots=True)
class _Rotated:
    secret: str
    producer: Producer
    cut_short: datetime | None
    """Until when a secret was to live that ended now, to make room."""


def rotate(
    name: Name,
    *,
    keep: Annotated[
        str,
        typer.Option(metavar="SPAN", help="How long the old secret signs, too: 90m, 24h, 7d."),
    ] = _DAY,
    now: Annotated[
        bool,
        typer.Option("--now", help="End the old secrets at once: somebody else knows them."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before an older secret is ended.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give a producer a new webhook secret, and print it once.

    For --keep every message carries two signatures, the new secret's first, so that the producer
    changes over when it likes. Two secrets live at most: to rotate again within that time ends the
    older one at once, which is asked before. Ends with 1 when you said no.

    Example: orderline producers rotate shop-eu --keep 24h
    """
    kept = timedelta() if now else read_span(keep, "--keep", _LONGEST)
    try:
        rotated = asyncio.run(_rotate(name, kept, end_older=now or yes))
    except TwoLive as two:
        _agree(name, two.ends_at)
        rotated = asyncio.run(_rotate(name, kept, end_older=True))
    note(name, "its old secrets ended" if now else "its secret was rotated")
    if as_json:
        print_json(
            {"name": name, "secret": rotated.secret, "secrets": list(rotated.producer.secrets)}
        )
        return
    _tell(name, rotated)


def _agree(name: str, ends_at: datetime) -> None:
    said = f"two secrets of {name} are live; the older one, until {stamp(ends_at)}, would end now"
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{said}. --yes goes ahead", param_hint="--yes")
    if not typer.confirm(f"{said[0].upper()}{said[1:]}. Rotate?", err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(_DECLINED)


def _tell(name: str, rotated: _Rotated) -> None:
    _, *before = rotated.producer.secrets
    until = [stamp(each.ends_at) for each in before if each.ends_at is not None]
    also = f"the one before signs, too, until {until[0]}" if until else "no other one is live"
    say(f"{name} has a new webhook secret; {also}.")
    if rotated.cut_short is not None:
        say(f"An older one, which was to sign until {stamp(rotated.cut_short)}, ended now.")
    print_pairs([("secret", rotated.secret)], indent=2)
    say(SHOWN_ONCE)
    say(f"Workers may sign as before for up to {span(timedelta(seconds=CACHED))}.")


async def _rotate(name: str, keep: timedelta, *, end_older: bool) -> _Rotated:
    secret = new_secret()
    async with opened() as session:
        cut_short = await producers.rotate(
            session.db, session.vault, name=name, secret=secret, keep=keep, end_older=end_older
        )
        return _Rotated(secret, await producers.find(session.db, name), cut_short)
