"""The published schemas agree with what is really read and said."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest

from schemas import contract
from schemas.gateway import ErrorCode
from schemas.intents import FaultCode
from schemas.notifications import (
    EntryNews,
    EventType,
    LineNews,
    Notice,
    NoticeType,
    Notification,
    Price,
    render,
)
from tests.contract.shapes import CANCEL, HOME, Stored, all_stored
from worker.lifecycle import LineState, OrderState

DOCUMENTS = contract.documents()
WORDS = {
    "type": [*EventType, *NoticeType],
    "fault_code": [*FaultCode],
    "error_code": [*ErrorCode],
    "line_state": [*LineState],
    "order_state": [*OrderState],
}
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def is_valid(name: str, said: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(DOCUMENTS[name]).is_valid(said)


def news_of(kind: EventType, **more: Any) -> dict[str, Any]:
    """The body of a webhook about a line, as it is sent."""
    state = kind.partition(".")[2]
    given: dict[str, Any] = {"state": "placed" if state == "cancel_refused" else state, **more}
    line = LineNews(
        intent_id="1", producer="s", order_id="o", deliver_id="1-1", sequence=1, provider="p",
        **given,
    )  # fmt: skip
    return json.loads(render(Notification(type=kind, timestamp=AT, data=line)))  # type: ignore[no-any-return] # JSON


def notice_of(kind: NoticeType, **more: Any) -> dict[str, Any]:
    """The body of a webhook about an entry, as it is sent."""
    entry = EntryNews(
        producer="s", quarantine_id="q", sequence=1, kind="intent", entry_id="1-0",
        code="not_json", path="", detail="This is no JSON", **more,
    )  # fmt: skip
    return json.loads(render(Notice(type=kind, timestamp=AT, data=entry)))  # type: ignore[no-any-return] # JSON


FULL: dict[str, Any] = {
    "provider_ref": "9",
    "provider_line_ref": "9-1",
    "price": Price(amount="19.90", currency="TRY"),
    "reason": "r",
    "details": {"a": "b"},
    "goods": ({"code": "c"},),
    "goods_omitted": True,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_is_a_schema_that_names_itself_and_its_version(name: str) -> None:
    document = DOCUMENTS[name]
    jsonschema_rs.meta.validate(document)
    assert document["$id"] == f"urn:orderline:{contract.VERSION}:{name}"
    assert document["description"]


@pytest.mark.parametrize("stored", all_stored(), ids=str)
def test_what_is_read_is_valid_and_a_misspelt_field_is_not(stored: Stored) -> None:
    names = [CANCEL] if stored.subject == CANCEL else ["intent", f"intent.{stored.subject}"]
    for name in names:
        assert is_valid(name, stored.said)
        assert not is_valid(name, {**stored.said, "colour": "red"})


@pytest.mark.parametrize("kind", [*EventType, *NoticeType])
@pytest.mark.parametrize("full", [False, True], ids=["minimal", "full"])
def test_what_is_told_is_valid_for_its_type_and_no_other(
    kind: EventType | NoticeType,
    *,
    full: bool,
) -> None:
    if isinstance(kind, EventType):
        body = news_of(kind, **FULL if full else {})
    else:
        body = notice_of(kind, **{"intent_id": "1", "reason": "r"} if full else {})
    valid = {name for name in DOCUMENTS if name.startswith("notification") and is_valid(name, body)}
    assert valid == {"notification", f"notification.{kind}"}


def test_a_reader_of_today_takes_a_field_of_tomorrow() -> None:
    body = news_of(EventType.LINE_DELIVERED)
    body["colour"] = body["data"]["colour"] = "red"
    assert is_valid("notification.line.delivered", body)


def test_a_reader_of_today_takes_a_type_of_tomorrow() -> None:
    body = news_of(EventType.LINE_DELIVERED)
    body["type"], body["data"]["state"] = "line.coloured", "coloured"
    assert is_valid("notification", body)


def test_no_word_that_programs_build_on_is_ever_taken_away() -> None:
    """A new word goes into ``stored/<version>.words.json``; none goes out."""
    for path in HOME.glob("*.words.json"):
        for kind, words in json.loads(path.read_text(encoding="utf-8")).items():
            assert set(words) <= {str(word) for word in WORDS[kind]}, (path.name, kind)
    newest = json.loads((HOME / f"{contract.VERSION}.words.json").read_text(encoding="utf-8"))
    assert {kind: [str(word) for word in words] for kind, words in WORDS.items()} == newest
