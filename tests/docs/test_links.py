"""Whoever follows a link inside the repository arrives."""

from urllib.parse import unquote

import pytest

from tests.docs.documents import anchor, anchors, documents, links
from tests.docs.markdown import ROOT


def test_there_are_documents_and_links() -> None:
    assert {"README.md", "docs/README.md", "docs/reference/states.md"} <= set(documents())
    assert sum(1 for each in documents() for _ in links(each)) > 100


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("When a person must decide", "when-a-person-must-decide"),
        ("parked: no_way_to_ask", "parked-no_way_to_ask"),
        ("The gateway: `orderline gateway`", "the-gateway-orderline-gateway"),
        ("See [the runbook](runbook.md), first", "see-the-runbook-first"),
    ],
)
def test_a_heading_is_linked_to_as_github_does(heading: str, name: str) -> None:
    assert anchor(heading) == name


@pytest.mark.parametrize("document", documents())
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(document: str) -> None:
    assert [why for link in links(document) if (why := dead(document, link))] == []


def dead(document: str, link: str) -> str | None:
    """What is wrong with a link; nothing of those that leave the repository."""
    if link.startswith(("https://", "mailto:")):
        return None
    path, _, name = unquote(link).partition("#")
    root = ROOT.resolve()
    target = ((root / document).parent / path).resolve() if path else root / document
    if not (target.is_relative_to(root) and target.exists()):
        return f"{link}: there is no such file"
    if not name:
        return None
    if target.suffix != ".md":
        return f"{link}: only a page has headings"
    known = anchors(target.relative_to(root).as_posix())
    return None if name in known else f"{link}: there is no such heading in {target.name}"
