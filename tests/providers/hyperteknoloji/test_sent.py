"""What a tenant is sent, and what of its answers is not repeated."""

import json

import pytest

from tests.providers.conftest import Recorder
from tests.providers.hyperteknoloji.test_adapter import basket
from tests.providers.trial import CUSTOMER, ample, an_attempt
from worker.http import Channel
from worker.outcome import InDoubt, Refused
from worker.providers.hyperteknoloji import adapter


@pytest.mark.parametrize("api_key", [{}, {"api_key": "tenant-key-1"}], ids=["without", "with"])
async def test_a_create_call_says_what_the_documentation_asks_for(
    recorder: Recorder, api_key: dict[str, str]
) -> None:
    account = adapter.HyperteknolojiAccount.model_validate(
        {
            "base_url": recorder.url,
            "email": "shop@example.test",
            "password": "p",
            "notify_url": "https://shop.example/callbacks",
            **api_key,
        }
    )
    order = basket(234, billing_address_id=7)
    async with Channel(account.base_url) as channel:
        sender = adapter.Hyperteknoloji(account, channel)
        outcome = await sender.place(order, an_attempt(), ample(), "jwt")
    assert isinstance(outcome, InDoubt)
    (headers,), (body,) = recorder.headers, recorder.bodies
    assert headers["authorization"] == "Bearer jwt"
    assert headers["h-region-code"] == "TR"
    assert headers["content-type"] == "application/json"
    assert headers.get("apikey") == api_key.get("api_key")
    answer = {"ProductRequireID": 1, "Identifier": "name", "Value": CUSTOMER}
    assert body == {
        "basketData": [
            {
                "DeliverID": order.lines[0].line_ref,
                "CustomerStoreProductID": 234,
                "Quantity": 2,
                "RequireData": [answer],
            }
        ],
        "BillingAddressID": 7,
        "NotifyURL": "https://shop.example/callbacks",
    }


async def test_a_refusal_that_repeats_what_the_customer_said_does_not_repeat_it_to_us(
    recorder: Recorder,
) -> None:
    said = {"success": False, "message": f"Müşteri yok: {CUSTOMER.upper()}"}
    recorder.answer = json.dumps(said).encode()
    account = adapter.HyperteknolojiAccount.model_validate(
        {"base_url": recorder.url, "email": "e", "password": "p"}
    )
    async with Channel(account.base_url) as channel:
        sender = adapter.Hyperteknoloji(account, channel)
        outcome = await sender.place(basket(1), an_attempt(), ample(), "jwt")
    assert isinstance(outcome, Refused)
    assert outcome.reason == "Müşteri yok: …"
    assert CUSTOMER.casefold() not in repr(outcome).casefold()


async def test_a_list_that_does_not_turn_its_pages_is_given_up(recorder: Recorder) -> None:
    row = {"OrderID": 1, "OrderDetailID": 2, "DeliverID": "another"}
    recorder.answer = json.dumps({"success": True, "data": [row]}).encode()
    account = adapter.HyperteknolojiAccount.model_validate(
        {"base_url": recorder.url, "email": "e", "password": "p"}
    )
    async with Channel(account.base_url) as channel:
        reader = adapter.Hyperteknoloji(account, channel)
        found = await reader.look_up(basket(1), an_attempt(), ample(), "jwt")
    assert isinstance(found, InDoubt)
    assert [body["page"] for body in recorder.bodies] == [1, 2]
