"""Signing in and out: a password, a cookie, a session that ends, and guesses that are counted."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx
import pytest

from tests.cli.world import World
from tests.console.conftest import PASSWORD, Pages, kept_password, open_pages
from worker.console.sessions import csrf_of
from worker.operating.hand import Hand
from worker.settings import Settings
from worker.store import operators
from worker.store.deeds import Act
from worker.store.operators import Changes
from worker.store.tables_operators import Role, Via

FROM_HERE = {"sec-fetch-site": "same-origin"}
ROOT = Hand("root", Via.COMMAND).deed(Act.OPERATOR_CHANGED)


@pytest.fixture
async def known(world: World) -> None:
    await operators.add(world.db, "ada", Role.OPERATE, kept_password(), ROOT)


async def _sign_in(
    pages: Pages, name: str = "ada", password: str = PASSWORD, **more: str
) -> httpx.Response:
    headers = FROM_HERE | {k: v for k, v in more.items() if k.startswith("x-")}
    fields = {"name": name, "password": password}
    fields |= {k: v for k, v in more.items() if not k.startswith("x-")}
    return await pages.http.post("/ops/login", data=fields, headers=headers)


@pytest.mark.usefixtures("known")
async def test_a_name_and_its_password_let_in_and_the_cookie_is_kept_from_others(
    nobody: Pages,
) -> None:
    answer = await _sign_in(nobody, name=" Ada ", next="/ops/orders?state=parked")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ops/orders?state=parked")
    cookie = SimpleCookie(answer.headers["set-cookie"])["orderline"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert not cookie["secure"], "over http on this very machine"
    assert "Sign out" in await nobody.look("/")
    [session] = await nobody.rows("SELECT digest, operator FROM operator_sessions")
    assert cookie.value.encode() not in bytes(session.digest)
    assert session.operator == "ada"
    [deed] = await nobody.rows("SELECT by, via FROM deeds WHERE action = 'signed in'")
    assert deed == ("ada", "console")


@pytest.mark.usefixtures("known")
async def test_signing_out_ends_the_session_on_both_sides(nobody: Pages) -> None:
    await _sign_in(nobody)
    nobody.token = nobody.http.cookies["orderline"]
    answer = await nobody.act("/logout")
    assert answer.headers["location"] == "/ops/login"
    assert not await nobody.rows("SELECT FROM operator_sessions")
    assert "orderline" not in nobody.http.cookies
    nobody.http.cookies.set("orderline", nobody.token)
    assert (await nobody.http.get("/ops/")).status_code == 303


@pytest.mark.usefixtures("known")
async def test_over_https_the_cookie_is_the_hosts_alone(settings: Settings, world: World) -> None:
    behind = settings.model_copy(update={"gateway_proxies": "127.0.0.1"})
    async with open_pages(behind, world.db) as pages:
        proxied = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7"}
        answer = await _sign_in(pages, **proxied)
        said = answer.headers["set-cookie"]
        assert said.startswith("__Host-orderline=")
        assert "; Secure" in said
        assert "Domain" not in said
        token = SimpleCookie(said)["__Host-orderline"].value
        secure = {**proxied, "cookie": f"__Host-orderline={token}"}
        assert (await pages.http.get("/ops/", headers=secure)).status_code == 200
        # A cookie that anybody on the way could have put there counts for nothing.
        planted = {**proxied, "cookie": f"orderline={token}"}
        assert (await pages.http.get("/ops/", headers=planted)).status_code == 303


@pytest.mark.usefixtures("known")
async def test_a_password_is_not_taken_over_http_from_elsewhere(nobody: Pages) -> None:
    there = {"host": "ops.example"}
    page = await nobody.http.get("/ops/login", headers=there)
    assert "https" in page.text
    fields = {"name": "ada", "password": PASSWORD}
    answer = await nobody.http.post("/ops/login", data=fields, headers=FROM_HERE | there)
    assert answer.status_code == 403
    assert not await nobody.rows("SELECT FROM operator_sessions")


@pytest.mark.usefixtures("known")
async def test_nobody_learns_whether_a_name_is_known(
    nobody: Pages, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []

    def noting(kept: str, _: str) -> bool:
        held.append(kept)
        return False

    monkeypatch.setattr("worker.console.tries.fits", noting)
    await operators.add(world.db, "gone", Role.VIEW, kept_password(), ROOT)
    await operators.change(world.db, "gone", Changes(disabled=True), ROOT)
    answers = [await _sign_in(nobody, name) for name in ("ada", "nobody", "gone", "No Such!")]
    assert {each.status_code for each in answers} == {403}
    assert len({each.text for each in answers}) == 1
    assert len(held) == 4, "a password is held against something each time"
    assert len({kept.rpartition("$")[0].rpartition("$")[0] for kept in held}) == 1


@pytest.mark.usefixtures("known")
async def test_guesses_are_counted_by_name_and_a_good_password_makes_up_for_them(
    nobody: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.console.tries.fits", lambda _, said: said == PASSWORD)
    for _ in range(9):
        assert (await _sign_in(nobody, password="wrong")).status_code == 403
    assert (await _sign_in(nobody)).status_code == 303
    nobody.http.cookies.clear()
    answers = [(await _sign_in(nobody, password="wrong")).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]
    refused = await _sign_in(nobody)
    assert refused.status_code == 429, "also with the right one"
    assert int(refused.headers["retry-after"]) > 0


async def test_guesses_are_counted_by_where_they_come_from(
    nobody: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.console.tries.fits", lambda *_: False)
    answers = await asyncio.gather(*(_sign_in(nobody, f"name-{n}") for n in range(31)))
    assert sorted(each.status_code for each in answers) == [403] * 30 + [429]


async def test_a_form_from_elsewhere_signs_nobody_in(nobody: Pages) -> None:
    fields = {"name": "ada", "password": PASSWORD}
    for headers in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = await nobody.http.post("/ops/login", data=fields, headers=headers)
        assert answer.status_code == 403
        assert "did not come from a page of the console" in answer.text


@pytest.mark.usefixtures("known")
async def test_signing_in_leads_to_a_page_of_ours_only(nobody: Pages) -> None:
    for wanted in (
        "https://evil.example/",
        "//evil.example/",
        "/ops/..//evil.example",
        "/ops/\\evil.example",
        "/v1/orders",
        "/ops/\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "",
    ):
        answer = await _sign_in(nobody, next=wanted)
        assert answer.headers["location"] == "/ops/"


async def test_a_session_ends_when_it_lies_idle_and_after_half_a_day_anyway(
    ada: Pages, set_clock: Callable[[timedelta], None]
) -> None:
    async def seen() -> bool:
        return (await ada.http.get("/ops/")).status_code == 200

    assert await seen()
    set_clock(timedelta(minutes=29))
    assert (await ada.http.get("/ops/live")).status_code == 200
    set_clock(timedelta(minutes=31))
    assert not await seen(), "a page's own looking keeps nobody signed in"
    set_clock(timedelta(minutes=29))
    for minutes in range(29, 12 * 60, 29):
        set_clock(timedelta(minutes=minutes))
        assert await seen()
    set_clock(timedelta(hours=12, seconds=1))
    assert not await seen()


async def test_who_is_disabled_or_has_a_new_role_is_so_at_once(ada: Pages, world: World) -> None:
    await operators.change(world.db, "ada", Changes(role=Role.VIEW), ROOT)
    meant = {"why": "x", "producer": "shop", "url": "https://shop.example/hooks"}
    assert "takes the role operate" in await ada.refused("/endpoint/disable", 403, **meant)
    await operators.change(world.db, "ada", Changes(disabled=True), ROOT)
    assert (await ada.http.get("/ops/")).status_code == 303


async def test_one_sessions_form_is_good_for_no_other(ada: Pages, vera: Pages) -> None:
    answer = await ada.http.post(
        "/ops/logout", data={"csrf": csrf_of(vera.token)}, headers=FROM_HERE
    )
    assert answer.status_code == 403
    assert "too old" in answer.text
    assert (await ada.http.get("/ops/")).status_code == 200
