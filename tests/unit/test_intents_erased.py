"""Erasing personal data: what takes its place is valid, wherever a provider marks something."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import TypeAdapter

from schemas.intents import IntentFault, PersonalData, erased, load_intent, masked, read_intent
from schemas.intents.parts import Part
from schemas.intents.registry import PROVIDERS, body_of

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


def marked(kind: Any) -> Iterator[tuple[Any, PersonalData]]:
    """Every kind of value in a type that is marked as personal, with its mark."""
    if get_origin(kind) is Annotated:
        inner, *metadata = get_args(kind)
        marks = [mark for mark in metadata if isinstance(mark, PersonalData)]
        if marks:
            yield kind, marks[-1]
        else:
            yield from marked(inner)
    elif isinstance(kind, type) and not isinstance(kind, UnionType) and get_origin(kind) is None:
        if issubclass(kind, Part):
            for field in kind.model_fields.values():
                yield from marked(field.rebuild_annotation())
    else:
        for inner in get_args(kind):
            yield from marked(inner)


def marks_in(schema: Any) -> int:
    match schema:
        case dict():
            return sum(map(marks_in, schema.values())) + ("x-personal-data" in schema)
        case list():
            return sum(map(marks_in, schema))
        case _:
            return 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_takes_the_place_of_personal_data_is_valid_there(provider: str) -> None:
    body = body_of(provider)
    found = [*marked(body)]
    assert len(found) == marks_in(body.model_json_schema()), "a mark was overlooked"
    for kind, mark in found:
        assert TypeAdapter(kind).validate_python(mark.erased, strict=True) == mark.erased


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for provider in PROVIDERS:
        yield f"{provider}-deploy", json.loads((EXAMPLES / f"{provider}.json").read_bytes())
        for number, said in enumerate(body_of(provider).model_json_schema()["examples"]):
            yield f"{provider}-{number}", said


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in examples()])
def test_an_erased_intent_is_the_same_intent_without_what_is_personal(body: dict[str, Any]) -> None:
    kept = read_intent(json.dumps(body).encode(), producer=None)
    without = erased(kept.document)
    assert masked(load_intent(without)) == masked(kept.intent)
    hidden = [place for place in leaves(masked(kept.intent)) if place[1] == "…"]
    before, after = dict(leaves(kept.document)), dict(leaves(without))
    assert [path for path, _ in hidden if after[path] == before[path]] == []
    assert erased(without) == without


def leaves(tree: Any, *path: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a tree, with where it stands."""
    match tree:
        case dict():
            for key, value in tree.items():
                yield from leaves(value, *path, key)
        case list() | tuple():
            for key, value in enumerate(tree):
                yield from leaves(value, *path, key)
        case _:
            yield path, tree


def test_what_no_longer_is_an_intent_cannot_be_erased_field_by_field() -> None:
    with pytest.raises(IntentFault):
        erased({"provider": "gifthub", "wallet": 1})
