"""What a producer must say to record an order at Threekit, and what it may not."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.intents import FaultCode, IntentFault, load_intent, masked, read_intent
from schemas.intents.threekit import ThreekitIntent

Body = dict[str, Any]
EXAMPLE = Path(__file__).parents[2] / "deploy" / "examples" / "threekit.json"
SECRET = "Ayşe-4711"


def body(**fields: Any) -> Body:
    return {**json.loads(EXAMPLE.read_bytes()), **fields}


def with_line(**fields: Any) -> Body:
    (line,) = body()["lines"]
    return body(lines=[{**line, **fields}])


def read(document: Body) -> ThreekitIntent:
    intent = read_intent(json.dumps(document).encode(), producer="shop-eu").intent
    assert isinstance(intent, ThreekitIntent)
    return intent


def test_what_the_shop_says_is_read() -> None:
    intent = read(
        body(customer_id="c", origin_org_id="reseller", metadata={"basket": "7", "Şube": "ä"})
    )
    assert (intent.platform.id, intent.platform.store_name) == ("10077", "main")
    assert intent.metadata == {"basket": "7", "Şube": "ä"}
    assert intent.lines[0].metadata == {"line": "1"}


def test_only_a_platform_and_a_line_have_to_be_said() -> None:
    least = with_line()
    del least["name"], least["lines"][0]["metadata"]
    intent = read(least)
    assert (intent.name, intent.metadata, intent.lines[0].metadata) == (None, {}, {})


def test_what_was_kept_is_read_back_as_the_same_intent() -> None:
    raw = json.dumps(body(metadata={"basket": "7"})).encode()
    kept = read_intent(raw, producer="shop-eu")
    assert load_intent(kept.document) == kept.intent


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        (body(metadata={"clientOrderKey": "x"}), "metadata.clientOrderKey", "unknown_field"),
        (with_line(metadata={"lineRef": "x"}), "lines[0].metadata.lineRef", "unknown_field"),
        (body(metadata={"a": 1}), "metadata.a", "wrong_type"),
        (body(metadata={"a": None}), "metadata.a", "wrong_type"),
        (body(metadata=[]), "metadata", "wrong_type"),
        (body(platform="10077"), "platform", "wrong_type"),
        (body(platform={"id": "1", "platform": "p"}), "platform.store_name", "missing_field"),
        (
            body(platform={"id": "1", "platform": "p", "storeName": "s"}),
            "platform.store_name",
            "missing_field",
        ),
        (body(name="x" * 256), "name", "out_of_range"),
        (body(name=""), "name", "out_of_range"),
        (body(customer_id="a\nb"), "customer_id", "bad_text"),
        (body(status="Complete"), "status", "unknown_field"),
        (body(items=[{"id": "c", "count": 1}]), "items", "unknown_field"),
        (body(lines=[]), "lines", "empty_lines"),
        (with_line(quantity=0), "lines[0].quantity", "out_of_range"),
        (with_line(quantity=2**31), "lines[0].quantity", "out_of_range"),
        (with_line(quantity="1"), "lines[0].quantity", "wrong_type"),
        (with_line(configuration_id=""), "lines[0].configuration_id", "out_of_range"),
        (with_line(count=1), "lines[0].count", "unknown_field"),
    ],
)
def test_a_fault_is_told_with_its_exact_place(document: Body, path: str, code: str) -> None:
    with pytest.raises(IntentFault) as caught:
        read(document)
    assert (caught.value.path, caught.value.code) == (path, FaultCode(code))


def test_the_names_of_our_keys_are_taken_only_where_we_write_them() -> None:
    swapped = with_line(metadata={"clientOrderKey": "x"}) | {"metadata": {"lineRef": "y"}}
    assert read(swapped).metadata == {"lineRef": "y"}


def test_a_name_of_255_characters_just_fits() -> None:
    assert len(read(body(name="ş" * 255)).name or "") == 255


def test_what_a_customer_may_have_written_is_never_shown() -> None:
    intent = read(with_line(metadata={"engraving": SECRET}) | {"metadata": {"gift": SECRET}})
    for shown in (intent, intent.lines[0]):
        assert SECRET not in f"{shown!r} {shown}"
    hidden = masked(intent)
    assert hidden["metadata"] == {"gift": "…"}
    assert hidden["lines"][0]["metadata"] == {"engraving": "…"}


def test_a_fault_beside_it_repeats_none_of_it() -> None:
    with pytest.raises(IntentFault) as caught:
        read(body(metadata={"gift": SECRET, "clientOrderKey": SECRET}))
    assert SECRET not in str(caught.value)
