"""Each page, as it is asked for by a browser: what stands on it, and what does not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.builders import an_intent
from tests.cli.world import World
from tests.console.conftest import Pages, Somethings, filled
from worker.console.pages import ROUTES
from worker.console.routes import Method

GETS = [route.path for route in ROUTES if route.method is Method.GET]
ENDPOINT = "/endpoint?producer=shop&url=https://shop.example/hooks"


async def test_every_page_is_shown(vera: Pages, somethings: Somethings) -> None:
    for path in GETS:
        page = ENDPOINT if path == "/endpoint" else filled(path, somethings)
        assert await vera.look(page)


async def test_every_list_is_shown_when_there_is_nothing(vera: Pages) -> None:
    for path in GETS:
        if "{" not in path and path != "/endpoint":
            assert await vera.look(path)


async def test_an_order_is_found_by_whatever_it_is_called(
    vera: Pages, somethings: Somethings
) -> None:
    [line] = await vera.rows("SELECT line_ref FROM lines WHERE deliver_id = 'd-1'")
    here = f"/ops/orders/{somethings.delivered}"
    for name in ("d", "d-1", "provider-77", line.line_ref, somethings.delivered):
        answer = await vera.http.get("/ops/orders", params={"q": name})
        assert (answer.status_code, answer.headers.get("location")) == (303, here), name
    assert "No order fits" in await vera.look("/orders?q=nothing")


async def test_the_list_is_filtered_and_goes_on_with_older_ones(
    vera: Pages, world: World, somethings: Somethings
) -> None:
    parked = await vera.look("/orders?state=parked&producer=shop&provider=hyperteknoloji")
    assert somethings.parked in parked
    assert somethings.delivered not in parked
    assert "No order fits" in await vera.look("/orders?producer=nobody")
    await world.accept(*(an_intent(f"m-{n}-1", intent_id=f"m-{n}") for n in range(50)))
    assert somethings.delivered not in await vera.look("/orders")
    [newest] = await vera.rows("SELECT id FROM orders WHERE intent_id = 'm-0'")
    assert somethings.delivered in await vera.look(f"/orders?before={newest.id}")


async def test_an_orders_story_is_told_in_its_order(vera: Pages, somethings: Somethings) -> None:
    page = await vera.look(f"/orders/{somethings.delivered}")
    story = page[page.index('class="timeline"') :]
    told = ("#1, place: opened", "#1, place: confirmed", "line.delivered not delivered")
    places = [story.index(word) for word in told]
    assert places == sorted(places)
    parked = await vera.look(f"/orders/{somethings.parked}")
    assert "unknown outcome" in parked
    assert "To be decided" in parked
    waiting = await vera.look(f"/orders/{somethings.accepted}")
    assert "paused by said" in waiting, "its account rests, and what happens next says so"


async def test_a_quote_counts_down_by_the_databases_clock(vera: Pages, world: World) -> None:
    await world.execute("UPDATE producers SET disabled_at = NULL")
    [order] = (await world.accept(a_quoted())).fresh
    page = await vera.look(f"/orders/{order.order_id}")
    assert "data-ends=" in page
    assert "9 min 59 s" in page or "10 min" in page


async def test_the_quotes_that_end_are_listed_where_they_are_counted(
    vera: Pages, world: World, set_clock: Callable[[timedelta], None]
) -> None:
    await world.execute("UPDATE producers SET disabled_at = NULL")
    [order] = (await world.accept(a_quoted())).fresh
    assert "No order fits" in await vera.look("/orders?ending=yes")
    set_clock(timedelta(minutes=9, seconds=30))
    assert 'data-live="ending">1<' in await vera.look("/")
    assert str(order.order_id) in await vera.look("/orders?ending=yes")


async def test_counts_are_told_to_the_pages_script(vera: Pages, somethings: Somethings) -> None:
    del somethings
    counts = json.loads(await vera.look("/live"))
    told = {name: counts[name] for name in ("parked", "surplus", "quarantined", "resting")}
    assert told == {"parked": "1", "surplus": "1", "quarantined": "1", "resting": "1"}
    overview = await vera.look("/")
    for name, count in counts.items():
        if not name.startswith("state:") and name != "as-of" and not name.endswith("since"):
            assert f'data-live="{name}">{count}<' in overview, name


def a_quoted() -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    quote = {"quoted_at": now, "max_total": "19.90", "currency": "TRY"}
    return an_intent("t-1", intent_id="t", quote=quote)
