import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.money import Money
from schemas.notifications import (
    BODY_LIMIT,
    MESSAGE,
    EntryNews,
    EventType,
    LineNews,
    Notice,
    NoticeType,
    Notification,
    Price,
    carries_goods,
    json_schema,
    render,
)
from worker.lifecycle import LineState

AT = datetime(2026, 11, 22, 10, 0, 1, 250_000, tzinfo=UTC)
CODE = "ABCD-EFGH-IJKL"


def a_notification(at: datetime = AT, **changes: object) -> Notification:
    news: dict[str, object] = {
        "intent_id": "100045",
        "producer": "shop-eu",
        "order_id": "0192d3c0-0000-7000-8000-000000000001",
        "deliver_id": "your_deliver_id",
        "sequence": 2,
        "provider": "hyperteknoloji",
        "state": "delivered",
    }
    return Notification(
        type=EventType.LINE_DELIVERED, timestamp=at, data=LineNews.model_validate(news | changes)
    )


def test_every_state_a_line_can_reach_has_its_event() -> None:
    told = {f"line.{state}" for state in LineState if state is not LineState.WAITING}
    assert told == set(EventType) - {EventType.LINE_CANCEL_REFUSED}


def test_the_bytes_are_exactly_these() -> None:
    notification = a_notification(
        provider_ref="77",
        price=Price.of(Money(Decimal("19.90"), "TRY")),
        reason="Teşekkürler",
        goods=({"code": CODE},),
    )
    assert render(notification).decode() == (
        '{"type":"line.delivered","timestamp":"2026-11-22T10:00:01.250000Z","data":{'
        '"intent_id":"100045","producer":"shop-eu",'
        '"order_id":"0192d3c0-0000-7000-8000-000000000001","deliver_id":"your_deliver_id",'
        '"sequence":2,"provider":"hyperteknoloji","state":"delivered","provider_ref":"77",'
        '"price":{"amount":"19.90","currency":"TRY"},"reason":"Teşekkürler",'
        '"goods":[{"code":"ABCD-EFGH-IJKL"}]}}'
    )


def test_the_time_zone_of_the_database_session_does_not_change_the_bytes() -> None:
    istanbul = timezone(timedelta(hours=3))
    assert render(a_notification(AT.astimezone(istanbul))) == render(a_notification(AT))


def test_a_body_reads_back_as_the_notification_it_was() -> None:
    notification = a_notification(price=Price(amount="1", currency="IRT"), goods=({"pin": "1"},))
    assert Notification.model_validate_json(render(notification)) == notification


@given(
    reason=st.text(st.characters(codec="utf-8"), max_size=5_000),
    goods=st.lists(st.dictionaries(st.text(max_size=20), st.text(max_size=2_000)), max_size=20),
)
def test_a_body_never_reaches_the_limit(reason: str, goods: list[dict[str, str]]) -> None:
    body = render(a_notification(reason=reason, goods=tuple(goods)))
    assert len(body) < BODY_LIMIT
    data = json.loads(body)["data"]
    assert data.get("goods_omitted", False) is ("goods" not in data)
    assert carries_goods(body) is ("goods" in data)


def test_goods_too_large_to_send_are_announced_and_left_out() -> None:
    body = render(a_notification(goods=({"code": CODE * 2_000},)))
    assert json.loads(body)["data"]["goods_omitted"] is True
    assert CODE.encode() not in body


def test_text_that_looks_like_goods_is_not_taken_for_goods() -> None:
    assert not carries_goods(render(a_notification(reason='{"goods":[1]}')))


def test_delivered_codes_are_in_the_body_and_in_no_repr() -> None:
    notification = a_notification(goods=({"code": CODE},))
    assert CODE.encode() in render(notification)
    assert CODE not in repr(notification)


@pytest.mark.parametrize(
    ("amount", "text"), [("1E+2", "100"), ("0.10", "0.10"), ("-3", "-3"), ("1E-7", "0.0000001")]
)
def test_a_price_is_written_without_an_exponent(amount: str, text: str) -> None:
    assert Price.of(Money(Decimal(amount), "TRY")).amount == text


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        a_notification(AT.replace(tzinfo=None))


# --- notices --------------------------------------------------------------------------------------


def a_notice(**changes: object) -> Notice:
    news: dict[str, object] = {
        "producer": "shop-eu",
        "quarantine_id": "0192d3c0-0000-7000-8000-000000000001",
        "sequence": 1,
        "kind": "intent",
        "entry_id": "1795341600000-0",
        "code": "unknown_field",
        "path": "colour",
        "detail": "There is no such field here",
    }
    return Notice(
        type=NoticeType.INTENT_QUARANTINED,
        timestamp=AT,
        data=EntryNews.model_validate(news | changes),
    )


def test_a_notice_is_exactly_these_bytes() -> None:
    assert render(a_notice()).decode() == (
        '{"type":"intent.quarantined","timestamp":"2026-11-22T10:00:01.250000Z","data":{'
        '"producer":"shop-eu","quarantine_id":"0192d3c0-0000-7000-8000-000000000001","sequence":1,'
        '"kind":"intent","entry_id":"1795341600000-0","code":"unknown_field","path":"colour",'
        '"detail":"There is no such field here"}}'
    )


@pytest.mark.parametrize("worst", ["\x01", "\U0001f600", '"', "ş"])
def test_a_notice_never_reaches_the_limit(worst: str) -> None:
    long = worst * 5_000
    body = render(a_notice(path=long, detail=long, reason=long, intent_id=worst * 128))
    assert len(body) < BODY_LIMIT


def test_the_type_says_which_kind_of_message_a_body_is() -> None:
    for message in (a_notification(), a_notice()):
        assert MESSAGE.validate_json(render(message)) == message
    with pytest.raises(ValidationError):
        MESSAGE.validate_json(render(a_notice()).replace(b"intent.quarantined", b"line.delivered"))


def test_the_schema_knows_every_type() -> None:
    known = json_schema()["$defs"]
    types = {*known["EventType"]["examples"], *known["NoticeType"]["examples"]}
    assert types == {*EventType, *NoticeType}
