"""What adapters say of callbacks: where to send them, and what one that came names of ours."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.collected import suites_of
from tests.providers.conftest import Recorder
from tests.providers.trial import account_with, ample, an_attempt, remote_of
from worker.http import Channel
from worker.outcome import Outcome
from worker.providers import REGISTRY
from worker.providers.account import StrictAccount
from worker.sandbox import SandboxSettings

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


# --- where they are to be sent -------------------------------------------------------------------

TOKEN = "01a204c6943c7473b3d85a84f8161a7b.dG9rZW4tNDcxMQ"
OWN = f"https://gateway.example/callbacks/x/{TOKEN}"
ACCOUNTS = "https://shop.example/callbacks"
FIELDS = {"hyperteknoloji": "notify_url", "gifthub": "webhook_url"}
"""Where an account says that all of its callbacks go somewhere else."""

calling_back = pytest.mark.parametrize(
    "provider", sorted(name for name, adapter in REGISTRY.items() if adapter.calls_back)
)


async def placed(
    provider: str, recorder: Recorder, url: str | None, **fields: str
) -> tuple[str, Outcome]:
    """What a placing call said, and what came of it."""
    usual = remote_of(provider)(SandboxSettings(), lambda *_: None, 0).account()
    account = account_with(provider, {**usual, "base_url": recorder.url, **fields})
    order = replace(suites_of(provider)[0]().plain(), callback_url=url)
    async with Channel(account.base_url) as channel:
        adapter = REGISTRY[provider](account, channel)
        outcome = await adapter.place(order, an_attempt(), ample(), "token")
    return json.dumps(recorder.bodies), outcome


def test_who_calls_back_somewhere_else_says_so_in_its_settings() -> None:
    assert set(FIELDS) == {name for name, adapter in REGISTRY.items() if adapter.calls_back}


@calling_back
async def test_an_orders_own_url_goes_with_the_order(provider: str, recorder: Recorder) -> None:
    said, _ = await placed(provider, recorder, OWN)
    assert said.count(OWN) == 1


@calling_back
async def test_what_an_account_says_wins(provider: str, recorder: Recorder) -> None:
    said, _ = await placed(provider, recorder, OWN, **{FIELDS[provider]: ACCOUNTS})
    assert ACCOUNTS in said
    assert OWN not in said


@calling_back
async def test_without_a_gateway_none_is_sent(provider: str, recorder: Recorder) -> None:
    said, _ = await placed(provider, recorder, None)
    assert "callbacks" not in said
    assert "null" not in said


@calling_back
@pytest.mark.parametrize("status", [200, 400, 404, 500])
async def test_an_orders_own_url_is_in_nothing_that_is_kept(
    provider: str, recorder: Recorder, status: int
) -> None:
    """Error messages like to repeat what was sent."""
    said = {"success": False, "message": f"out of stock; told {OWN}, {TOKEN}", "NotifyURL": OWN}
    recorder.status, recorder.answer = status, json.dumps(said).encode()
    _, outcome = await placed(provider, recorder, OWN)
    assert TOKEN not in f"{outcome!r} {outcome.evidence}"


@calling_back
def test_what_is_answered_is_json_and_the_proof_is_a_field_of_the_account(provider: str) -> None:
    calls_back, model = REGISTRY[provider].calls_back, REGISTRY[provider].account_model
    assert calls_back is not None
    assert issubclass(model, StrictAccount)
    assert (calls_back.proof_header is None) == (calls_back.proof_field is None)
    assert calls_back.proof_field is None or calls_back.proof_field in model.model_fields
    for status, body in (calls_back.taken, calls_back.unproven):
        assert isinstance(json.loads(body), dict)
        assert 200 <= status < 500
    assert calls_back.taken[0] // 100 == 2
    assert calls_back.unproven[0] // 100 == 4
