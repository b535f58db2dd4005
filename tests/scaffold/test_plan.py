"""What a provider may be called, and where its line goes. Nothing is written here."""

from importlib.resources import files

import pytest

from schemas.intents.registry import PROVIDERS
from tests.scaffold.conftest import ROOT
from worker.scaffold.plan import (
    FILES,
    REGISTRY,
    CannotWrite,
    check_name,
    class_name,
    registered,
    render,
)

LISTED = (ROOT / REGISTRY).read_text(encoding="utf-8")
TEMPLATES = {
    path.name.removesuffix(".tmpl"): path.read_text(encoding="utf-8")
    for path in (files("worker.scaffold") / "templates").iterdir()
}


def test_every_template_has_its_place() -> None:
    assert set(TEMPLATES) == set(FILES)
    assert len(set(FILES.values())) == len(FILES)


@pytest.mark.parametrize("name", ["ab", "acme", "acme_gifts", "a1", "a_1b_2", "x" * 40])
def test_a_plain_name_is_taken(name: str) -> None:
    check_name(name, TEMPLATES.values())


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "x" * 41,
        "Acme",
        "1acme",
        "_acme",
        "acme_",
        "acme__gifts",
        "acme-gifts",
        "acme gifts",
        "acme/gifts",
        "../acme",
        "acme.gifts",
        "acmé",
        "acme\n",
        "class",
        "async",
    ],
)
def test_a_name_that_cannot_be_one_is_told_what_can(name: str) -> None:
    with pytest.raises(CannotWrite, match="small letter, then small letters, digits and single"):
        check_name(name, TEMPLATES.values())


@pytest.mark.parametrize("name", ["order", "remote", "sku", "confirmed", "any"])
def test_a_name_whose_class_would_hide_another_is_refused(name: str) -> None:
    with pytest.raises(CannotWrite, match="would clash"):
        check_name(name, TEMPLATES.values())


def test_no_name_at_all_is_told_how_to_give_one() -> None:
    with pytest.raises(CannotWrite, match="make provider name=acme"):
        check_name("", TEMPLATES.values())


def test_the_classes_are_named_after_it() -> None:
    assert [class_name(name) for name in ("acme", "acme_gifts", "a_1b")] == [
        "Acme",
        "AcmeGifts",
        "A1b",
    ]


@pytest.mark.parametrize("template", FILES)
def test_no_mark_is_left_in_what_was_rendered(template: str) -> None:
    assert "@@" not in render(TEMPLATES[template], "acme_gifts")


@pytest.mark.parametrize("name", ["aa", "mmm", "zzz"])
def test_the_registry_gains_one_line_in_its_place(name: str) -> None:
    text = registered(LISTED, name)
    line = f'    "{name}",\n'
    assert text.replace(line, "", 1) == LISTED
    names = [each for each in text.split('"') if each in {*PROVIDERS, name}]
    assert names == sorted({*PROVIDERS, name})


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_that_is_there_is_not_added_again(name: str) -> None:
    with pytest.raises(CannotWrite, match="is taken"):
        registered(LISTED, name)


def test_a_registry_that_cannot_be_read_is_not_guessed_at() -> None:
    with pytest.raises(CannotWrite, match="no list PROVIDERS"):
        registered("PROVIDERS: Final = ()\n", "acme")
