"""``orderline endpoints show``."""

import asyncio
import json

from rich.text import Text

from schemas.endpoints import EndpointDeliveryView, EndpointStory
from schemas.orders import stamp
from worker.cli.endpoints.chosen import Producer, Url, find_endpoint
from worker.cli.output import Json, print_json, print_pairs, printable, say
from worker.cli.session import opened
from worker.store.views_endpoints import endpoint_story


def show(url: Url, *, producer: Producer = None, as_json: Json = False) -> None:
    """Show an endpoint: how it stands, what happened to it, and the newest tries.

    Example: orderline endpoints show https://shop.example/hooks
    """
    story = asyncio.run(_read(url, producer))
    if as_json:
        print_json(story)
    else:
        _tell(story)


async def _read(url: str, producer: str | None) -> EndpointStory:
    async with opened() as session:
        found = await find_endpoint(session.db, url, producer)
        return await endpoint_story(session.db, (found.producer, found.url))


def _tell(story: EndpointStory) -> None:
    found = story.endpoint
    say(Text(printable(f"Endpoint {found.url} of {found.producer}"), "bold"))
    oldest = "" if found.oldest_at is None else f", the oldest since {stamp(found.oldest_at)}"
    delivered = "never" if found.delivered_at is None else stamp(found.delivered_at)
    resume = "`orderline endpoints enable`" if found.state == "disabled" else None
    print_pairs(
        [
            ("state", found.told),
            ("waiting", f"{found.waiting} notifications{oldest}"),
            ("delivered", delivered),
            ("resume by", resume),
            *(
                ("event", f"{stamp(each.at)}  {each.type}  {json.dumps(dict(each.data))}")
                for each in story.events
            ),
            *(("delivery", _delivery(each)) for each in story.deliveries),
        ],
        indent=2,
    )


def _delivery(each: EndpointDeliveryView) -> str:
    came = f"HTTP {each.code}" if each.code is not None else each.error
    when = f"{stamp(each.at)}  {each.webhook_id} #{each.number}"
    return f"{when}: {came} in {each.milliseconds} ms"
