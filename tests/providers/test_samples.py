"""The providers' own sample bodies, as their pages print them: so we ask, and so we read.

``<order>`` and ``<line>`` stand where a sample has its author's keys and ours are sent.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.money import Money
from tests.providers.conftest import Recorder
from tests.providers.trial import account_of, ample, an_attempt, an_order
from worker.http import Channel
from worker.lifecycle import Step
from worker.order import Ordered
from worker.outcome import Confirmed
from worker.providers import REGISTRY
from worker.sandbox import Sandbox

SAMPLES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent / "samples").glob("*.json"))
}


def money(amount: str, currency: str) -> Money:
    return Money(Decimal(amount), currency)


def with_our_keys(text: str, order: Ordered) -> str:
    return text.replace("<order>", order.order_id.hex).replace("<line>", order.lines[0].line_ref)


@pytest.mark.parametrize("provider", SAMPLES)
async def test_the_sample_of_the_page_is_what_is_sent_and_understood(
    sandbox: Sandbox, recorder: Recorder, provider: str
) -> None:
    asked = json.loads(SAMPLES[provider])["asked"]
    order = an_order(provider, asked.pop("lines"), **asked)
    sample: dict[str, Any] = json.loads(with_our_keys(SAMPLES[provider], order))
    recorder.status = sample["status"]
    recorder.answer = json.dumps(sample["response"]).encode()

    account = account_of(sandbox, provider, **{"base_url": recorder.url, **sample["account"]})
    async with Channel(account.base_url) as channel:
        adapter = REGISTRY[provider](account, channel)
        attempt = an_attempt(Step.PLACE)
        outcome = await adapter.place(order, attempt, ample(), "a-token")

    assert recorder.bodies == [sample["request"]]
    assert isinstance(outcome, Confirmed), outcome
    means = sample["means"]
    assert outcome.provider_ref == means["provider_ref"]
    assert outcome.total == (means["total"] and money(*means["total"].split()))
    assert [line.state for line in outcome.lines] == [means["state"]]


def test_there_is_a_sample_of_each_provider_whose_page_prints_one() -> None:
    printed = {"adobe_vipm", "feedback_company", "gifthub", "hyperteknoloji", "threekit"}
    assert set(SAMPLES) == printed <= set(REGISTRY)
