"""The console in a real browser: what an operator does on a bad morning, click by click."""

import re

import pytest

from tests.browser.conftest import Opener, Visitor
from tests.console.conftest import Pages
from worker.console.pages import ROUTES
from worker.console.routes import Method

pytestmark = pytest.mark.browser

LISTS = [
    route.path
    for route in ROUTES
    if route.method is Method.GET
    and "{" not in route.path
    and route.path not in {"/endpoint", "/live"}
]


async def _fact(gateway: Pages, sql: str) -> object:
    [row] = await gateway.rows(sql)
    return tuple(row)


async def test_signing_in_and_finding_an_order_by_its_deliver_id(visitor: Opener) -> None:
    ada = await visitor()
    await ada.go("/orders")
    await ada.picture("sign-in")
    await ada.page.get_by_label("Name").fill("ada")
    await ada.page.get_by_label("Password").fill("not the password")
    await ada.page.get_by_role("button", name="Sign in").click()
    assert await ada.page.get_by_role("alert").is_visible()
    await ada.sign_in()
    await ada.picture("overview", whole=True)
    await ada.page.get_by_role("searchbox").fill("100050-1")
    await ada.page.keyboard.press("Enter")
    await ada.page.get_by_role("heading", name="100050").wait_for()
    countdown = ada.page.locator(".quote .countdown")
    before = await countdown.inner_text()
    assert re.fullmatch(r"4 min \d+ s", before)
    await ada.until(countdown, lambda said: said != before)
    await ada.go("/orders")
    await ada.picture("orders", whole=True)


async def test_a_parked_order_is_resolved_by_clicking(visitor: Opener, gateway: Pages) -> None:
    ada = await visitor()
    await ada.sign_in()
    await ada.page.get_by_role("link", name="Waiting").click()
    await ada.page.get_by_text("Refused nothing of it is at the provider").click()
    await ada.page.get_by_label("Why").filter(visible=True).fill("not in their panel, ticket 4711")
    await ada.picture("waiting", whole=True)
    await ada.page.get_by_role("button", name="Record as refused").click()
    await ada.page.get_by_role("status").wait_for()
    assert "Recorded" in await ada.page.get_by_role("status").inner_text()
    assert await ada.page.locator("h1 .chip").inner_text() == "refused"
    await ada.picture("order", whole=True)
    told = "SELECT data ->> 'by', data ->> 'as', data ->> 'why' FROM events"
    assert await _fact(gateway, f"{told} WHERE type = 'order.resolved'") == (
        "ada",
        "refused",
        "not in their panel, ticket 4711",
    )
    await ada.go("/audit")
    assert await ada.page.get_by_text("order resolved").is_visible()
    await ada.picture("audit", whole=True)


async def test_an_account_is_paused_and_resumed(visitor: Opener, gateway: Pages) -> None:
    ada = await visitor()
    await ada.sign_in()
    await ada.go("/accounts")
    await ada.page.get_by_role("link", name="hyperteknoloji/default").click()
    await ada.page.get_by_text("Pause it").first.click()
    await ada.page.get_by_label("For how long").fill("30m")
    await ada.page.get_by_label("Why").filter(visible=True).fill("their maintenance")
    await ada.page.get_by_role("button", name="Pause it").click()
    assert await ada.page.locator("h1 .chip").inner_text() == "paused"
    await ada.picture("account", whole=True)
    await ada.page.get_by_text("Resume it").first.click()
    await ada.page.get_by_label("Why").filter(visible=True).fill("they are back")
    await ada.page.get_by_role("button", name="Resume it").click()
    assert await ada.page.locator("h1 .chip").inner_text() == "takes orders"
    deeds = "SELECT array_agg(action ORDER BY id) FROM deeds WHERE about = 'hyperteknoloji/default'"
    assert await _fact(gateway, deeds) == (["account paused", "account resumed"],)


async def test_personal_data_is_shown_when_asked_for_and_only_then(
    visitor: Opener, gateway: Pages
) -> None:
    ada = await visitor()
    await ada.sign_in()
    await ada.go(f"/orders/{ada.morning.delivered}")
    assert await ada.page.get_by_text("player-5512").count() == 0
    await ada.page.get_by_text("Show personal data").first.click()
    await ada.page.get_by_label("Why").filter(visible=True).fill("the customer asks, ticket 12")
    await ada.page.get_by_role("button", name="Show personal data").click()
    assert await ada.page.get_by_text("player-5512").is_visible()
    await ada.go(f"/orders/{ada.morning.delivered}")
    assert await ada.page.get_by_text("player-5512").count() == 0
    assert await _fact(
        gateway, "SELECT by, why FROM deeds WHERE action = 'personal data shown'"
    ) == ("ada", "the customer asks, ticket 12")


async def test_everything_works_without_a_script(visitor: Opener, gateway: Pages) -> None:
    ada = await visitor(script=False)
    await ada.sign_in()
    await ada.page.get_by_role("searchbox").fill("100045")
    await ada.page.get_by_role("button", name="Find").click()
    await ada.page.get_by_text("Resend nothing of it is at the provider").click()
    await ada.page.get_by_label("Why").filter(visible=True).fill("they never got it")
    await ada.page.get_by_role("button", name="Record as resend").click()
    assert "Recorded" in await ada.page.get_by_role("status").inner_text()
    state = "SELECT state, step FROM orders WHERE intent_id = '100045'"
    assert await _fact(gateway, state) == ("placing", "place")
    await ada.page.get_by_role("button", name="Sign out").click()
    assert await ada.page.get_by_role("heading", name="Sign in").is_visible()
    assert await _fact(gateway, "SELECT count(*) FROM operator_sessions") == (0,)


async def test_counts_stay_live(visitor: Opener, gateway: Pages) -> None:
    ada = await visitor()
    await ada.sign_in()
    parked = ada.page.locator("[data-live=parked]")
    assert await parked.inner_text() == "1"
    meant = "UPDATE orders SET parked_reason = NULL, state = 'failed', finished_at = now()"
    async with gateway.db.engine.begin() as connection:
        await connection.exec_driver_sql(f"{meant} WHERE state = 'parked'")
    await ada.until(parked, lambda said: said == "0")


async def test_on_a_phone_no_page_is_wider_than_it_is(visitor: Opener) -> None:
    ada = await visitor(phone=True)
    await ada.sign_in()
    assert await ada.overflow() == 0
    await ada.picture("phone-overview")
    paths = [
        *LISTS,
        f"/orders/{ada.morning.parked}",
        f"/orders/{ada.morning.delivered}",
        "/accounts/hyperteknoloji/default",
        "/endpoint?producer=shop&url=https://shop.example/hooks",
    ]
    for path in paths:
        await ada.go(path)
        assert await ada.overflow() == 0, path
    await ada.go(f"/orders/{ada.morning.parked}")
    await ada.page.locator(".wanted").evaluate("each => each.scrollIntoView()")
    await ada.picture("phone-order")
    await _sees_no_other_site(ada)


async def _sees_no_other_site(ada: Visitor) -> None:
    """What a page asks for, all comes from where it is."""
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    await ada.go("/")
    assert asked
    assert all(url.startswith(ada.url) for url in asked)


async def test_who_may_only_look_sees_nothing_to_do(visitor: Opener) -> None:
    vera = await visitor()
    await vera.sign_in("vera")
    await vera.go("/waiting")
    assert await vera.page.get_by_text("nothing of it is at the provider").first.is_visible()
    assert await vera.page.locator("textarea").count() == 0


async def test_all_can_be_read_and_reached_by_those_who_see_or_click_badly(
    visitor: Opener,
) -> None:
    ada = await visitor()
    await ada.sign_in()
    for path in (*LISTS, f"/orders/{ada.morning.parked}"):
        await ada.go(path)
        assert await ada.page.evaluate(UNLABELLED) == [], path
        assert await ada.page.evaluate(TOO_FAINT) == [], path


UNLABELLED = """() => [...document.querySelectorAll(
    "input:not([type=hidden]), select, textarea, button, a, pre[tabindex]")]
  .filter(each => !(each.labels?.length || each.textContent.trim() || each.ariaLabel))
  .map(each => each.outerHTML)"""

# WCAG 2's contrast of each text with what is behind it: 4.5 at least, 3 where it is large.
TOO_FAINT = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = rgb => {
    const [r, g, b] = rgb.map(
      v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = each => {
    for (let at = each; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement, style = getComputedStyle(holder);
    if (!texts.currentNode.textContent.trim() || !holder.checkVisibility()) continue;
    const [one, other] = [light(parts(style.color).slice(0, 3)), light(behind(holder))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && +style.fontWeight >= 700);
    if (contrast < (large ? 3 : 4.5))
      faint.push(`${contrast.toFixed(1)} ${holder.outerHTML.slice(0, 90)}`);
  }
  return faint;
}"""
