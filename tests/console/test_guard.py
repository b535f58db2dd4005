"""Who is let in, to what: seen at every route there is, as it is declared."""

import httpx

from tests.cli.world import World
from tests.console.conftest import PASSWORD, Pages, Somethings, filled, open_pages
from worker.console.guard import HEADERS
from worker.console.pages import ROUTES
from worker.console.routes import Method, Needs, Route
from worker.console.sessions import csrf_of
from worker.settings import Settings

LOOKING = [route for route in ROUTES if route.method is Method.GET]
ACTING = [route for route in ROUTES if route.method is Method.POST]
FROM_HERE = {"sec-fetch-site": "same-origin"}
STRICT = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def of(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_every_route_says_who_may_take_it_and_only_signing_in_and_out_are_for_others() -> None:
    assert {of(route) for route in ACTING if route.needs is not Needs.OPERATE} == {
        "POST /login",
        "POST /logout",
    }
    assert {of(route) for route in ROUTES if route.needs is Needs.NOBODY} == {
        "GET /login",
        "POST /login",
    }
    assert len({of(route) for route in ROUTES}) == len(ROUTES)


async def test_nobody_gets_anywhere_without_having_signed_in(
    nobody: Pages, somethings: Somethings
) -> None:
    for route in ROUTES:
        if route.needs is Needs.NOBODY:
            continue
        path = f"/ops{filled(route.path, somethings)}"
        answer = await nobody.http.request(route.method, path, headers=FROM_HERE)
        if route.method is Method.POST:
            assert answer.status_code in {403, 422}, of(route)
        elif route.idle:
            assert answer.status_code == 401
        else:
            assert answer.status_code == 303, of(route)
            assert answer.headers["location"].startswith("/ops/login?next=%2Fops%2F")
        assert somethings.parked not in answer.text


async def test_nothing_is_done_without_the_forms_token_or_from_elsewhere(
    ada: Pages, somethings: Somethings
) -> None:
    deeds = len(await ada.rows("SELECT FROM deeds"))
    fields = {"csrf": csrf_of(ada.token), "why": "x", "said": "returned"}
    for route in ACTING:
        if route.needs is Needs.NOBODY:
            continue
        path = f"/ops{filled(route.path, somethings)}"
        elsewhere = "https://evil.example"
        for data, headers in (
            (fields | {"csrf": "wrong"}, FROM_HERE),
            ({"why": "x"}, FROM_HERE),
            (fields, {}),
            (fields, {"sec-fetch-site": "cross-site"}),
            (fields, {"sec-fetch-site": "same-site"}),
            (fields, {"origin": elsewhere}),
            (fields, {"origin": "null"}),
            (fields, {"sec-fetch-site": "same-origin", "origin": elsewhere}),
        ):
            answer = await ada.http.post(path, data=data, headers=headers)
            assert answer.status_code == 403, (of(route), headers)
    assert len(await ada.rows("SELECT FROM deeds")) == deeds


async def test_who_may_only_look_can_do_nothing(vera: Pages, somethings: Somethings) -> None:
    for route in ACTING:
        if route.needs is Needs.OPERATE:
            said = await vera.refused(filled(route.path, somethings), 403, why="x", said="returned")
            assert "takes the role operate" in said
    for path in (f"/orders/{somethings.parked}", "/waiting", "/accounts/hyperteknoloji/default"):
        page = await vera.look(path)
        assert page.count("<form") == 2, "finding an order, and signing out"
        assert 'name="why"' not in page


async def test_every_answer_bears_the_headers_that_keep_it_to_itself(
    ada: Pages, nobody: Pages, somethings: Somethings
) -> None:
    assert HEADERS["content-security-policy"] == STRICT
    paths = [*(filled(route.path, somethings) for route in LOOKING), "/nowhere", "/orders/nonsense"]
    for pages in (ada, nobody):
        for path in paths:
            _check_headers(await pages.http.get(f"/ops{path}"), dict(HEADERS))
    _check_headers(await ada.http.post("/ops/orders"), dict(HEADERS))
    _check_headers(await ada.http.post("/ops/logout"), dict(HEADERS))
    style = await nobody.http.get("/ops/static/console.css")
    kept = {**HEADERS, "cache-control": "public, max-age=86400"}
    _check_headers(style, kept)
    assert (await nobody.http.get("/ops/static/../app.py")).status_code == 404


def _check_headers(answer: httpx.Response, expected: dict[str, str]) -> None:
    assert {name: answer.headers.get(name) for name in expected} == expected


async def test_no_page_has_script_or_style_inside(ada: Pages, somethings: Somethings) -> None:
    for route in LOOKING:
        answer = await ada.http.get(f"/ops{filled(route.path, somethings)}")
        text = answer.text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count("<script src=")


async def test_a_form_is_read_strictly(ada: Pages, somethings: Somethings) -> None:
    path = f"/ops/orders/{somethings.accepted}/cancel"
    plain = {**FROM_HERE, "content-type": "application/x-www-form-urlencoded"}
    for content, headers in (
        (b"csrf=1&why=" + b"x" * 70_000, plain),
        (b"why=%ff", plain),
        (b"why=\xff", plain),
        (b"why=%00", plain),
        (b"&".join(b"a=1" for _ in range(600)), plain),
        (b'{"why": "x"}', {**FROM_HERE, "content-type": "application/json"}),
    ):
        assert (await ada.http.post(path, content=content, headers=headers)).status_code == 422
    assert (await ada.http.get("/ops/orders?q=%00")).status_code == 422
    assert (await ada.http.get("/ops/orders?state=%27;--")).status_code == 422


async def test_the_console_can_be_turned_off(settings: Settings, world: World) -> None:
    off = settings.model_copy(update={"console": False})
    async with open_pages(off, world.db) as pages:
        assert (await pages.http.get("/ops/login")).status_code == 404
        assert (await pages.http.get("/healthz")).status_code == 200


async def test_while_the_database_is_away_a_page_says_so(settings: Settings, world: World) -> None:
    away = settings.model_copy(
        update={"database_url": type(settings.database_url)("postgresql://nobody@127.0.0.1:1/no")}
    )
    async with open_pages(away, world.db, "token") as pages:
        for path in ("/", "/orders"):
            answer = await pages.http.get(f"/ops{path}")
            assert answer.status_code == 503
            assert "The database does not answer" in answer.text
            assert "127.0.0.1" not in answer.text
            assert answer.headers["retry-after"] == "5"
        fields = {"name": "ada", "password": PASSWORD}
        answer = await pages.http.post("/ops/login", data=fields, headers=FROM_HERE)
        assert answer.status_code == 503


async def test_a_page_that_breaks_tells_nothing_of_what_broke_it(
    ada: Pages, somethings: Somethings, world: World
) -> None:
    await world.execute("ALTER TABLE deeds RENAME TO gone")
    await world.execute("ALTER TABLE surplus_orders RENAME TO lost")
    for path in (f"/orders/{somethings.parked}", "/waiting", "/audit"):
        said = await ada.look(path, 500)
        assert "It was noted." in said
        for word in ("relation", "deeds", "surplus_orders", "Traceback", "psycopg"):
            assert word not in said
