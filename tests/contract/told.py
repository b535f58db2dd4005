"""What every field that producers are told is, and whether it is always there: for ever.

``stored/<version>.told.json`` keeps this. ``python -m tests.contract.told`` adds what is new to it,
and changes nothing that is there.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from schemas import contract
from tests.contract.shapes import HOME
from worker.gateway import app

STORED: Final = HOME / f"{contract.VERSION}.told.json"
Told = dict[str, dict[str, dict[str, Any]]]
"""By what is told, by its field: its ``kind``, and whether it is ``always`` there."""


def told() -> Told:
    """Everything that is told today."""
    found = {
        name: _fields(part)
        for document, schema in contract.documents().items()
        if document.startswith("notification.")
        for name, part in ((document, schema), *schema["$defs"].items())
    }
    described = app.document()
    for name in _answered(described):
        found[f"gateway.{name}"] = _fields(described["components"]["schemas"][name])
    return found


def _fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    always = schema.get("required", [])
    return {
        field: {"kind": _kind(said), "always": field in always}
        for field, said in schema.get("properties", {}).items()
        if field != "type"  # the word itself; see ``<version>.words.json``
    }


def _kind(said: dict[str, Any]) -> str:
    """What a value is, in a word or a few; what it is where it is there at all."""
    if "$ref" in said:
        return str(said["$ref"]).rpartition("/")[2]
    if "anyOf" in said:
        return " or ".join(sorted({_kind(each) for each in said["anyOf"]} - {"null"}))
    kind = str(said.get("type", "anything"))
    return f"{kind} of {_kind(said['items'])}" if "items" in said else kind


def _answered(document: dict[str, Any]) -> Iterator[str]:
    """The names of the schemas that the gateway answers by, those inside others included."""
    answers = [
        answer.get("content", {})
        for operations in document["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
    ]
    waiting, seen = _named(answers), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting |= _named(document["components"]["schemas"][name])
    yield from sorted(seen)


def _named(value: Any) -> set[str]:
    """Every schema that is referred to, at any depth."""
    if isinstance(value, dict):
        own = {str(value["$ref"]).rpartition("/")[2]} if "$ref" in value else set[str]()
        return own.union(*map(_named, value.values()))
    return set[str]().union(*map(_named, value)) if isinstance(value, list) else set()


def kept(path: Path = STORED) -> Told:
    """What was stored of a version."""
    found: Told = json.loads(path.read_text(encoding="utf-8"))
    return found


def _add() -> None:
    before = kept() if STORED.exists() else {}
    now = told()
    merged = {name: {**now.get(name, {}), **before.get(name, {})} for name in {**before, **now}}
    STORED.write_text(f"{json.dumps(merged, indent=2)}\n", encoding="utf-8")


if __name__ == "__main__":
    _add()
