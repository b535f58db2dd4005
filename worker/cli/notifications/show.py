"""``orderline notifications show``."""

import asyncio
from typing import Annotated

import pydantic_core
import typer
from rich.text import Text

from schemas.orders import distance, stamp
from schemas.told import DeliveryStory, OwedStory, OwedView
from worker.cli.named import only
from worker.cli.output import Json, print_json, print_pairs, printable, say
from worker.cli.session import opened
from worker.store.session import Database
from worker.store.views_notifications import named, owed_story


def show(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="Its webhook-id, or the beginning of it.")
    ],
    *,
    goods: Annotated[bool, typer.Option("--goods", help="Also the delivered codes.")] = False,
    as_json: Json = False,
) -> None:
    """Tell everything about one notification: what it says, each delivery, what it waits for.

    Example: orderline notifications show evt_01a204c6
    """
    story = asyncio.run(_story(name, reveal=goods))
    if as_json:
        print_json(story)
    else:
        _tell(story)


async def find_one(db: Database, name: str) -> OwedView:
    """The notification of that id. Raises ``NotFound``, ``Ambiguous``."""
    return only(
        await named(db, name),
        name,
        several="notifications",
        nothing=f"There is no notification {name!r}; `orderline notifications list` shows those"
        " there are.",
        told=lambda each: f"{each.webhook_id}  {each.type} of {each.deliver_id}, {each.state}",
    )


async def _story(name: str, *, reveal: bool) -> OwedStory:
    async with opened() as session:
        found = await find_one(session.db, name)
        return await owed_story(session.db, session.vault, found.event_id, reveal=reveal)


def _tell(story: OwedStory) -> None:
    say(Text(f"Notification {story.webhook_id}", style="bold"))
    due = story.due_at
    print_pairs(
        [
            ("state", story.state),
            ("waits", story.waits),
            ("due", None if due is None else f"{stamp(due)} ({distance(due, story.as_of)})"),
            ("event", f"{story.type} no. {story.sequence} of {story.deliver_id or 'an entry'}"),
            ("happened", stamp(story.at)),
            ("order", None if story.order_id is None else str(story.order_id)),
            ("producer", story.producer),
            ("to", story.url),
            ("tries", str(story.tries)),
            ("replays", str(story.replays) if story.replays else None),
            ("received", None if story.acknowledged_at is None else stamp(story.acknowledged_at)),
            *((f"delivery {each.number}", _delivery(each)) for each in story.deliveries),
        ]
    )
    say("")
    if story.body is None:
        say("What it says is sealed, and no configured key opens it.")
        return
    codes = f", {story.goods} codes (hidden unless --goods)" if story.goods else ""
    say(Text(f"Body ({story.size} bytes{codes})", style="bold"))
    for line in pydantic_core.to_json(story.body, indent=2).decode().splitlines():
        say(f"  {printable(line)}")


def _delivery(each: DeliveryStory) -> str:
    answer = each.code or each.error or "no answer"
    said = f": {each.excerpt}" if each.excerpt else ""
    return f"{stamp(each.at)}: {answer} in {each.milliseconds} ms{said}"
