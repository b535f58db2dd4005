"""A producer that was written once goes on working: its intents mean what they always meant."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas import contract
from schemas.intents import load_intent
from schemas.intents.registry import PROVIDERS
from tests.contract.shapes import CANCEL, HOME, Stored, all_stored, understood
from tests.docs.provider_pages import is_draft, page

STORED = all_stored()
DONE = [name for name in PROVIDERS if not is_draft(page(name))]
"""A draft's intents may still change."""


def says_as_much(now: Any, then: Any) -> bool:
    """Whether all that was understood then is understood now; optional fields may be more."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(
            key in now and says_as_much(now[key], value) for key, value in then.items()
        )
    if isinstance(then, list):
        return (
            isinstance(now, list)
            and len(now) == len(then)
            and all(says_as_much(*pair) for pair in zip(now, then, strict=True))
        )
    return bool(now == then and type(now) is type(then))


@pytest.mark.parametrize("stored", STORED, ids=str)
def test_what_a_producer_of_any_version_says_means_what_it_always_meant(stored: Stored) -> None:
    document, fingerprint = understood(stored.subject, stored.raw)
    assert says_as_much(document, stored.means), "an old producer is understood otherwise"
    assert fingerprint == stored.fingerprint, "a repeat would no longer find its order"


@pytest.mark.parametrize("stored", [each for each in STORED if each.subject != CANCEL], ids=str)
def test_an_intent_that_was_kept_by_any_version_is_read(stored: Stored) -> None:
    again = load_intent(stored.means).model_dump(mode="json")
    assert says_as_much(again, stored.means)


def test_every_version_is_stored() -> None:
    versions = {f"v{n}" for n in range(1, int(contract.VERSION.removeprefix("v")) + 1)}
    assert {path.name for path in HOME.iterdir() if path.is_dir()} == versions


@pytest.mark.parametrize("subject", [*DONE, CANCEL])
def test_of_each_the_least_and_all_that_can_be_said_is_stored(subject: str) -> None:
    """``python -m tests.contract.shapes`` stores what is missing."""
    stored = [each for each in STORED if each.subject == subject]
    assert {f"{contract.VERSION}/{subject}.{name}" for name in ("minimal", "full")} <= {
        str(each) for each in stored
    }
    schema = contract.documents()[subject if subject == CANCEL else f"intent.{subject}"]
    said = {key for each in stored for key in keys_in(each.said)}
    assert {*properties_in(schema)} - said == set()


def properties_in(schema: Any) -> Iterator[str]:
    """Every field's name that a schema knows, at any depth."""
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


def keys_in(value: Any) -> Iterator[str]:
    """Every key in a document, at any depth."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from keys_in(inner)


def test_what_was_stored_is_as_it_was_read() -> None:
    for stored in STORED:
        assert json.loads(stored.raw) == stored.said
