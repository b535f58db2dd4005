"""``orderline producers show``."""

import asyncio

from rich.text import Text

from schemas.orders import stamp
from worker.cli.output import Json, print_json, print_pairs, say
from worker.cli.producers.listing import as_object, secrets_in_words, state_of
from worker.cli.producers.named import Name
from worker.cli.session import opened
from worker.store import producers
from worker.store.producers import Producer
from worker.store.views_story import shown_url
from worker.streams import stream_of


def show(name: Name, *, as_json: Json = False) -> None:
    """Tell everything about one producer but its secrets.

    Example: orderline producers show shop-eu
    """
    found = asyncio.run(_find(name))
    if as_json:
        print_json(as_object(found))
        return
    say(Text(found.name, style="bold"))
    print_pairs(
        [
            ("state", state_of(found)),
            ("stream", stream_of(found.name)),
            ("tells", shown_url(found.notify_url)),
            ("also at", ", ".join(found.notify_hosts) or None),
            ("registered", stamp(found.created_at)),
            ("secret since", secrets_in_words(found)),
        ]
    )


async def _find(name: str) -> Producer:
    async with opened() as session:
        return await producers.find(session.db, name)
