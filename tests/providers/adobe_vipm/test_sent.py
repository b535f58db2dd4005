"""What Adobe is sent, byte by byte, and what of its answers is not repeated."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.providers.adobe_vipm.licences import SUBSCRIPTION, licences, previewed, renewal
from tests.providers.conftest import Recorder
from tests.providers.trial import ample, an_attempt, an_order
from worker.http import Channel
from worker.lifecycle import Step
from worker.order import Ordered
from worker.outcome import InDoubt, NotSent, Refused
from worker.providers.adobe_vipm.adapter import AdobeAccount, AdobeVipm

CLIENT = "client-0451"
SECRET = "s3cret&value"
TOKEN = "token-0451"


@pytest.fixture
async def sender(recorder: Recorder) -> AsyncIterator[AdobeVipm]:
    account = AdobeAccount.model_validate(
        {
            "base_url": recorder.url,
            "ims_url": recorder.url,
            "client_id": CLIENT,
            "client_secret": SECRET,
        }
    )
    async with Channel(account.base_url) as channel:
        yield AdobeVipm(account, channel)


async def test_an_order_says_what_the_documentation_asks_for(
    recorder: Recorder, sender: AdobeVipm
) -> None:
    order, attempt = licences("80004567EA01A12", quantity=1), an_attempt()
    outcome = await sender.place(order, attempt, ample(), TOKEN)
    assert isinstance(outcome, InDoubt)
    (headers,) = recorder.headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-api-key"] == CLIENT
    assert headers["x-correlation-id"] == attempt.reference
    assert headers["accept"] == headers["content-type"] == "application/json"
    assert recorder.queries == [{}]
    assert recorder.bodies == [
        {
            "orderType": "NEW",
            "externalReferenceId": order.order_id.hex,
            "currencyCode": "USD",
            "lineItems": [{"extLineItemNumber": 1, "offerId": "80004567EA01A12", "quantity": 1}],
        }
    ]
    assert len(order.order_id.hex) <= 35


def everything() -> Ordered:
    line = {
        "offer_id": "80004567EA01A12",
        "quantity": 599_000,
        "subscription_id": SUBSCRIPTION,
        "deployment_id": "12345",
        "discount_code": "HVD_L18_PRE",
        "flex_discount_codes": ["BLACK_FRIDAY_10_PERCENT_OFF"],
    }
    return an_order("adobe_vipm", [line], customer_id="9876543210", order_type="RENEWAL")


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            everything(),
            {
                "orderType": "RENEWAL",
                "lineItems": [
                    {
                        "extLineItemNumber": 1,
                        "offerId": "80004567EA01A12",
                        "quantity": 599_000,
                        "subscriptionId": SUBSCRIPTION,
                        "deploymentId": "12345",
                        "discountCode": "HVD_L18_PRE",
                        "flexDiscountCodes": ["BLACK_FRIDAY_10_PERCENT_OFF"],
                    }
                ],
            },
        ),
        (
            licences("offer", order_type="RETURN", reference_order_id="0123456789"),
            {
                "orderType": "RETURN",
                "referenceOrderId": "0123456789",
                "currencyCode": "USD",
                "lineItems": [{"extLineItemNumber": 1, "offerId": "offer", "quantity": 2}],
            },
        ),
        (
            an_order("adobe_vipm", [{}], customer_id="9", order_type="PREVIEW_RENEWAL"),
            {"orderType": "PREVIEW_RENEWAL"},
        ),
        (
            renewal("offer", order_type="PREVIEW_RENEWAL"),
            {
                "orderType": "PREVIEW_RENEWAL",
                "currencyCode": "USD",
                "lineItems": [
                    {
                        "extLineItemNumber": 1,
                        "offerId": "offer",
                        "quantity": 2,
                        "subscriptionId": SUBSCRIPTION,
                    }
                ],
            },
        ),
    ],
    ids=["everything", "a return", "all renewals", "some renewals"],
)
async def test_each_type_of_order_has_its_fields(
    recorder: Recorder, sender: AdobeVipm, order: Ordered, body: dict[str, Any]
) -> None:
    await sender.place(order, an_attempt(), ample(), TOKEN)
    assert recorder.bodies == [{"externalReferenceId": order.order_id.hex, **body}]


async def test_a_preview_asks_for_prices(recorder: Recorder, sender: AdobeVipm) -> None:
    await sender.place(previewed("offer"), an_attempt(), ample(), TOKEN)
    assert recorder.queries == [{"fetch-price": "true"}]
    assert recorder.bodies[0]["orderType"] == "PREVIEW"


@pytest.mark.parametrize("step", [Step.PLACE, Step.CONFIRM, Step.CANCEL])
async def test_what_was_kept_is_sent_again_to_the_byte_with_a_fresh_request_id(
    recorder: Recorder, sender: AdobeVipm, step: Step
) -> None:
    kept = b'{ "kept" : [1, 2] }'
    order = replace(licences("offer"), provider_ref="0123456789")
    attempt = replace(an_attempt(step), request=kept)
    verbs = {Step.PLACE: sender.place, Step.CONFIRM: sender.confirm, Step.CANCEL: sender.cancel}
    for _ in range(2):
        await verbs[step](order, attempt, ample(), TOKEN)
    first, second = recorder.headers
    assert recorder.bodies == [{"kept": [1, 2]}] * 2
    assert first["content-length"] == second["content-length"] == str(len(kept))
    assert first["x-correlation-id"] == second["x-correlation-id"] == attempt.reference
    assert first["x-request-id"] != second["x-request-id"]


async def test_a_question_never_bears_the_id_of_a_request(
    recorder: Recorder, sender: AdobeVipm
) -> None:
    """Under that id the stored answer to the request would come back."""
    order, attempt = replace(licences("offer"), provider_ref="0123456789"), an_attempt()
    await sender.look_up(order, attempt, ample(), TOKEN)
    await sender.poll(order, ample(), TOKEN)
    await sender.check(ample(), TOKEN)
    ids = [headers["x-correlation-id"] for headers in recorder.headers]
    assert len({*ids, attempt.reference}) == 4


async def test_a_login_is_a_form(recorder: Recorder, sender: AdobeVipm) -> None:
    recorder.answer = b"{}"
    recorder.reads_json = False
    outcome = await sender.login(ample())
    assert isinstance(outcome, NotSent)
    assert recorder.headers[0]["content-type"] == "application/x-www-form-urlencoded"
    (form,) = recorder.bodies
    assert form.split("&") == [
        "grant_type=client_credentials",
        "client_id=client-0451",
        "client_secret=s3cret%26value",
        "scope=openid%2CAdobeID%2Cread_organizations",
    ]


@pytest.mark.parametrize("status", [401, 403, 400])
async def test_an_answer_that_repeats_our_credentials_does_not_repeat_them_to_us(
    recorder: Recorder, sender: AdobeVipm, status: int
) -> None:
    recorder.status = status
    said = f"the key {CLIENT} or the token {TOKEN} is not good"
    recorder.answer = json.dumps({"code": "4115", "message": said}).encode()
    order = replace(licences("offer"), provider_ref="0123456789")
    outcomes = [
        await sender.place(order, an_attempt(), ample(), TOKEN),
        await sender.poll(order, ample(), TOKEN),
        await sender.check(ample(), TOKEN),
    ]
    assert isinstance(outcomes[0], NotSent if status == 401 else Refused)
    for outcome in outcomes:
        assert not [word for word in (CLIENT, TOKEN, SECRET) if word in repr(outcome)]


async def test_a_list_that_ends_before_its_total_proves_nothing(
    recorder: Recorder, sender: AdobeVipm
) -> None:
    recorder.answer = json.dumps({"totalCount": 5, "items": []}).encode()
    finding = await sender.look_up(licences("offer"), an_attempt(), ample(), TOKEN)
    assert isinstance(finding, InDoubt)
    assert "ends before" in finding.reason
    assert len(recorder.bodies) == 1


async def test_a_list_without_an_end_is_given_up(recorder: Recorder, sender: AdobeVipm) -> None:
    recorder.answer = json.dumps({"totalCount": 10**6, "items": [{"orderId": "1"}]}).encode()
    finding = await sender.look_up(licences("offer"), an_attempt(), ample(), TOKEN)
    assert isinstance(finding, InDoubt)
    assert "longer" in finding.reason
    assert recorder.queries[-1]["offset"] == "49"
