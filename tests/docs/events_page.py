"""``docs/reference/events.md``: what producers are told, and what is kept beside it."""

from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from schemas.notifications import EntryNews, EventType, LineNews, NoticeType
from tests.docs.facts import ABOUT, FACTS
from tests.docs.markdown import NOTICE, REFERENCE, code, members, table, told
from worker.lifecycle import LineState

PAGE: Final = REFERENCE / "events.md"

_HEAD: Final = f"""{NOTICE}

# Events

An event is a fact that is kept. Each change of a line, and what becomes of each entry that is set
aside, is also told to its producer, in a webhook: `{{"type", "timestamp", "data"}}`, signed as
[Standard Webhooks](https://www.standardwebhooks.com) have it. `orderline schema notification`
prints its JSON Schema. The other facts stand in an order's story (`orderline show`), an account's
(`orderline accounts`) or an endpoint's (`orderline endpoints show`).
"""

_TOLD: Final = (
    ("Of a line", EventType, LineNews, "`data` of each:"),
    ("Of an entry that was set aside", NoticeType, EntryNews, "`data` of each:"),
)
_HEADINGS: Final = {
    "order": "Facts about an order",
    "notification": "Facts about a notification",
    "endpoint": "Facts about an endpoint",
    "account": "Facts about an account",
}


def page() -> str:
    """The page as it should be."""
    parts = [_HEAD]
    for heading, types, news, says in _TOLD:
        rows = [[code(name), means or _state(name)] for name, means in members(types)]
        parts += [f"## {heading}\n\n{table(['type', 'meaning'], rows)}\n\n{says}\n"]
        parts += [_fields(news) + "\n"]
    for about in ABOUT:
        rows = [
            [code(name), fact.means, "; ".join(f"`{key}`: {it}" for key, it in fact.data.items())]
            for name, fact in FACTS.items()
            if name.startswith(f"{about}.")
        ]
        parts += [f"## {_HEADINGS[about]}\n\n{table(['type', 'meaning', 'data'], rows)}\n"]
    return "\n".join(parts)


def _state(name: str) -> str:
    """An event of a line means what the state means that the line came to."""
    return told(LineState)[LineState(name.partition(".")[2]).name]


def _fields(model: type[BaseModel]) -> str:
    means = told(model)
    rows = [
        [
            code(name),
            _kind(info.annotation),
            "always" if info.is_required() else "where there is one",
            means.get(name, ""),
        ]
        for name, info in model.model_fields.items()
    ]
    if not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    return table(["field", "type", "is there", "meaning"][: len(rows[0])], rows)


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in {Union, UnionType}:
        [annotation] = [each for each in get_args(annotation) if each is not NoneType]
    if get_origin(annotation) is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    kinds = {str: "text", int: "whole number", dict: "object of texts"}
    return kinds.get(get_origin(annotation) or annotation, _named(annotation))


def _named(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "`{" + ", ".join(f'"{name}"' for name in annotation.model_fields) + "}`"
    return "`true`"
