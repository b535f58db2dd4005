"""What adapters read in a callback: our own references, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.providers import REGISTRY

NAMES = st.sampled_from(["DeliverID", "deliverid", "reference", "orderId", "Status"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)

HYPERTEKNOLOJI = {
    "DeliverID": "ord-7f3a-1",
    "OrderDetailID": 55501,
    "Status": 1,
    "DeliveryData": ["AAAA-BBBB"],
    "DeliveryNote": None,
}
GIFTHUB = {
    "orderId": "xQg4IeRUNIcIfJSWx6Nl",
    "orderState": "successful",
    "reference": "ord-7f3a",
    "redeemData": {},
}


@pytest.mark.parametrize(
    ("provider", "body", "refs"),
    [
        ("hyperteknoloji", HYPERTEKNOLOJI, {"ord-7f3a-1"}),
        ("hyperteknoloji", {"deliverID": "ord-7f3a-1"}, {"ord-7f3a-1"}),
        ("hyperteknoloji", {"DeliverID": "a", "deliverID": "b"}, set()),
        ("hyperteknoloji", {"ProductID": 12, "Price": 3}, set()),
        ("gifthub", GIFTHUB, {"ord-7f3a"}),
        ("gifthub", {"sku": "038-00-range", "state": "ACTIVE", "quote": None}, set()),
        ("adobe_vipm", GIFTHUB | HYPERTEKNOLOJI, set()),
        ("threekit", GIFTHUB | HYPERTEKNOLOJI, set()),
        ("feedback_company", GIFTHUB | HYPERTEKNOLOJI, set()),
    ],
)
def test_what_the_pages_show_names_the_order(
    provider: str, body: dict[str, Any], refs: set[str]
) -> None:
    assert REGISTRY[provider].mentioned(json.dumps(body).encode()) == refs


@pytest.mark.parametrize("provider", sorted(REGISTRY))
@given(body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_is_survived_and_names_text_that_can_be_kept(
    provider: str, body: bytes
) -> None:
    for ref in REGISTRY[provider].mentioned(body):
        assert ref
        assert "\0" not in ref
        assert json.dumps(ref).encode() in body
