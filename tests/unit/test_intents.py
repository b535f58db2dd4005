"""Reading an intent: what is understood, what is kept, and what is never shown."""

import json
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.intents import (
    FaultCode,
    IntentFault,
    Priority,
    ReadIntent,
    load_intent,
    masked,
    read_intent,
)
from schemas.intents.gifthub import GifthubIntent
from schemas.intents.hyperteknoloji import HyperteknolojiIntent, RequireData

Body = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
SECRET = "Ayşe-4711"


def hyperteknoloji() -> Body:
    body: Body = json.loads((EXAMPLES / "hyperteknoloji.json").read_bytes())
    return body


def gifthub() -> Body:
    body: Body = json.loads((EXAMPLES / "gifthub.json").read_bytes())
    return body


def read(body: Body) -> ReadIntent:
    return read_intent(json.dumps(body, ensure_ascii=False).encode(), producer="shop-eu")


def fault(body: Body, producer: str | None = "shop-eu") -> IntentFault:
    with pytest.raises(IntentFault) as caught:
        read_intent(json.dumps(body).encode(), producer=producer)
    return caught.value


def test_the_producer_comes_from_the_stream_where_the_body_is_silent() -> None:
    body = hyperteknoloji()
    del body["producer"]
    assert read(body).intent.producer == "shop-eu"
    assert fault(body, producer=None).path == "producer"


def test_the_body_names_the_producer_where_there_is_no_stream() -> None:
    kept = read_intent(json.dumps(hyperteknoloji()).encode(), producer=None)
    assert kept.intent.producer == "shop-eu"


def test_a_stream_whose_key_names_no_producer_is_refused() -> None:
    body = gifthub()
    del body["producer"]
    assert fault(body, producer="Shop EU").path == "producer"


def test_the_spelling_of_the_seeds_names_the_same_line() -> None:
    body = hyperteknoloji()
    for line in body["lines"]:
        line["DeliverID"] = line.pop("deliver_id")
    kept = read(body)
    assert kept.intent == read(hyperteknoloji()).intent
    assert kept.document["lines"][0]["deliver_id"] == "100045-1"
    assert kept.fingerprint != read(hyperteknoloji()).fingerprint


def test_what_is_kept_is_plain_json_in_our_spelling_with_defaults_written_out() -> None:
    body = gifthub()
    body["quote"].update(quoted_at="2026-11-22T12:00:00+02:00", max_total=5.4)
    document = read(body).document
    assert document == json.loads(json.dumps(document))
    assert document["account"] == "default"
    assert document["quote"]["quoted_at"] == "2026-11-22T10:00:00Z"
    assert document["quote"]["max_total"] == "5.4"


def test_a_priority_is_one_of_three_words_and_normal_where_none_is_said() -> None:
    assert read(gifthub()).document["priority"] == "normal"
    assert read(gifthub() | {"priority": "low"}).intent.priority is Priority.LOW
    assert [each.rank for each in Priority] == [0, 1, 2]


@pytest.mark.parametrize("wrong", ["urgent", "HIGH", 0, None, True, ["high"]])
def test_another_priority_is_a_fault_with_its_path(wrong: object) -> None:
    found = fault(gifthub() | {"priority": wrong})
    assert (found.path, found.code) == ("priority", FaultCode.OUT_OF_RANGE)
    assert found.detail == "Input should be 'high', 'normal' or 'low'"


def test_amounts_keep_every_digit() -> None:
    body = gifthub()
    body["lines"][0]["face_value"] = "999999999999.999999"
    intent = read(body).intent
    assert isinstance(intent, GifthubIntent)
    assert intent.lines[0].face_value == Decimal("999999999999.999999")


def test_what_was_kept_is_read_back_as_the_same_intent() -> None:
    for body in (hyperteknoloji(), gifthub()):
        kept = read(body)
        assert load_intent(kept.document) == kept.intent


def test_a_document_that_no_longer_is_an_intent_says_so() -> None:
    document = read(gifthub()).document
    del document["wallet"]
    with pytest.raises(IntentFault, match="wallet"):
        load_intent(document)


def test_personal_data_is_kept_and_sent_but_never_shown() -> None:
    body = hyperteknoloji()
    body["lines"][0]["require_data"][0]["value"] = SECRET
    kept = read(body)
    assert isinstance(kept.intent, HyperteknolojiIntent)
    line = kept.intent.lines[0]
    assert line.require_data[0].value == SECRET
    assert kept.document["lines"][0]["require_data"][0]["value"] == SECRET
    for shown in (kept, kept.intent, line, line.require_data, line.require_data[0]):
        assert SECRET not in f"{shown!r} {shown}"
    assert masked(kept.intent)["lines"][0]["require_data"][0]["value"] == "…"


def test_a_masked_intent_is_otherwise_the_document() -> None:
    kept = read(gifthub())
    assert masked(kept.intent) == kept.document


def test_a_fault_of_personal_data_shows_none_of_it_even_in_a_traceback() -> None:
    body = hyperteknoloji()
    body["lines"][0]["require_data"][0]["value"] = [SECRET]
    found = fault(body)
    assert SECRET not in "".join(traceback.format_exception(found))
    assert found.__context__ is None


def test_parts_made_in_python_hide_personal_data_in_their_errors_too() -> None:
    with pytest.raises(ValueError, match="1 validation error") as caught:
        RequireData.model_validate({"product_require_id": 1, "value": [SECRET]})
    assert SECRET not in str(caught.value)


def test_an_intent_cannot_be_changed() -> None:
    intent = read(gifthub()).intent
    with pytest.raises(ValueError, match="frozen"):
        intent.account = "other"  # type: ignore[misc] # that it cannot be set is the test


def test_numbers_that_are_equal_leave_the_same_fingerprint() -> None:
    text = json.dumps(hyperteknoloji())
    texts = [text.replace('"19.90"', number).encode() for number in ("19.9", "19.90", "1.99e1")]
    prints = {read_intent(text, producer="shop-eu").fingerprint for text in texts}
    assert len(prints) == 1
    assert read(hyperteknoloji()).fingerprint not in prints


def test_a_development_host_may_be_notified_without_tls() -> None:
    raw = json.dumps({**gifthub(), "notify_url": "http://127.0.0.1:8000/hook"}).encode()
    hosts = frozenset({"127.0.0.1:8000"})
    kept = read_intent(raw, producer="shop-eu", development_hosts=hosts)
    assert load_intent(kept.document) == kept.intent
