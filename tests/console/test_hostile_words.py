"""What others wrote is shown as they wrote it, and is never markup: each text, on each page."""

from html.parser import HTMLParser

import pytest

from tests.cli.world import World
from tests.console.conftest import Pages, filled, make_somethings
from worker.console.pages import ROUTES
from worker.console.routes import Method

WORDS = [
    '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)' autofocus='",
    "</textarea></pre></title><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
]
GETS = [route.path for route in ROUTES if route.method is Method.GET]
OURS = {
    "a", "b", "body", "br", "button", "code", "dd", "details", "div", "dl", "dt", "footer", "form",
    "h1", "h2", "h3", "head", "header", "html", "input", "label", "li", "link", "main", "meta",
    "nav", "ol", "option", "p", "pre", "script", "section", "select", "small", "span", "summary",
    "table", "tbody", "td", "textarea", "th", "thead", "time", "title", "tr", "ul",
}  # fmt: skip


class Reader(HTMLParser):
    """Sees a page as a browser would, and whatever could run in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in OURS:
            self.faults.append(tag)
        for name, value in attrs:
            said = (value or "").strip().lower()
            if name.startswith("on") or name == "style" or said.startswith("javascript:"):
                allowed = name in {"value", "href"} and said.startswith("/ops")
                if not allowed and name not in {"value", "name", "id", "for", "title"}:
                    self.faults.append(f"{tag} {name}={value}")
            self.text += f" {value}"
        if tag == "script" and not dict(attrs).get("src", "").startswith("/ops/static/"):  # type: ignore[union-attr] # None has no src
            self.faults.append("script")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("words", WORDS)
async def test_nothing_that_others_wrote_becomes_markup(
    ada: Pages, world: World, words: str
) -> None:
    told = await make_somethings(world, words)
    await ada.act(f"/orders/{told.accepted}/cancel", why=words)
    await ada.act("/accounts/hyperteknoloji/default/pause", why=words)
    shown = 0
    for path in GETS:
        page = await ada.look(filled(path, told)) if path != "/endpoint" else ""
        reader = Reader()
        reader.feed(page)
        assert not reader.faults, (path, reader.faults)
        shown += words in reader.text
    assert shown >= 8, "it stands there, as it was written"
    query = await ada.http.get("/ops/orders", params={"q": words, "producer": words})
    reader = Reader()
    reader.feed(query.text)
    assert not reader.faults
    refused = await ada.http.get(f"/ops/orders/{told.parked}", params={"done": words})
    assert 'class="news"' not in refused.text
