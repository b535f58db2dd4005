"""What every adapter reads alike in an answer, and in that there was none."""

import json
from datetime import UTC, datetime

import pytest

from worker.http import Reply
from worker.outcome import Evidence, InDoubt, NotSent
from worker.providers.reading import answered_at, evidence, known_by

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Sun, 22 Nov 2026 10:00:00 GMT", TEN),
        ("Sun, 22 Nov 2026 13:00:00 +0300", TEN),
        ("Sun, 22 Nov 2026 10:00:00 -0000", TEN),  # which names no zone
        ("Fri, 99 Nov 2026 10:00:00 GMT", None),
        ("today", None),
        ("", None),
    ],
)
def test_when_it_was_answered_says_the_answers_own_date(date: str, moment: datetime | None) -> None:
    assert answered_at(Reply(200, {"date": date}, b"")) == moment


def test_an_answer_without_a_date_was_given_nobody_knows_when() -> None:
    assert answered_at(Reply(200, {}, b"")) is None


@pytest.mark.parametrize("kind", [NotSent, InDoubt])
def test_a_call_that_nobody_answered_keeps_what_it_can_be_found_by(
    kind: type[NotSent | InDoubt],
) -> None:
    silent = kind("no answer", evidence=Evidence(body="cut"))
    assert known_by("ref", silent) == kind("no answer", evidence=Evidence(None, "ref", "cut"))


@pytest.mark.parametrize("name", ['Anaïs "Ana" D', "Ærø\\Å", "plain", 'quo"te'])
def test_a_personal_value_is_hidden_however_json_spells_it(name: str) -> None:
    for spelt in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
        body = b'{"message": ' + spelt.encode() + b"}"
        kept = evidence(Reply(200, {}, body), None, frozenset({"message"}), [name])
        assert kept.body == '{"message":"…"}'
