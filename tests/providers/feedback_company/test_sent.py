"""What the provider is sent, and where it is not followed to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.providers.conftest import Recorder
from tests.providers.feedback_company.test_adapter import (
    INVITED,
    SAMPLE_GTIN,
    a_product,
    purchase,
)
from tests.providers.trial import CUSTOMER, CUSTOMER_EMAIL, ample, an_attempt
from worker.http import Channel
from worker.outcome import InDoubt, NotSent
from worker.providers.feedback_company.adapter import FeedbackCompany, FeedbackCompanyAccount


def account(url: str) -> FeedbackCompanyAccount:
    return FeedbackCompanyAccount.model_validate(
        {"base_url": url, "client_id": "client+1", "client_secret": "s3cret/&"}
    )


async def test_a_create_call_says_what_the_documentation_asks_for(recorder: Recorder) -> None:
    picture = "https://shop.example.com/1.png"
    order = purchase(
        a_product(sku="rd001", gtin="075678164125", image_url=picture),
        None,
        a_product(gtin=SAMPLE_GTIN),
        invitation=INVITED,
        filtercode="store-7",
    )
    async with Channel(recorder.url) as channel:
        sender = FeedbackCompany(account(recorder.url), channel)
        outcome = await sender.place(order, an_attempt(), ample(), "t0ken")
    assert isinstance(outcome, InDoubt)
    assert recorder.headers[0]["authorization"] == "Bearer t0ken"
    assert recorder.headers[0]["content-type"] == "application/json; charset=utf-8"
    assert recorder.bodies == [
        {
            "external_id": order.order_id.hex,
            "customer": {"email": CUSTOMER_EMAIL, "fullname": CUSTOMER},
            "invitation": {
                "delay": {"unit": "days", "amount": 3},
                "reminder": {"unit": "weekdays", "amount": 7},
            },
            "products": [
                a_product(sku="rd001", gtin="0075678164125", image_url=picture),
                a_product(),
            ],
            "filtercode": "store-7",
        }
    ]


async def test_a_login_asks_as_documented(recorder: Recorder) -> None:
    async with Channel(recorder.url) as channel:
        outcome = await FeedbackCompany(account(recorder.url), channel).login(ample())
    assert isinstance(outcome, NotSent)
    assert recorder.queries == [
        {
            "client_id": "client+1",
            "client_secret": "s3cret/&",
            "grant_type": "authorization_code",
        }
    ]


def test_the_only_host_that_is_known_is_the_default() -> None:
    known = FeedbackCompanyAccount.model_validate({"client_id": "c", "client_secret": "s"})
    assert known.base_url == "https://www.feedbackcompany.com"
    assert known.resend_once is False


@dataclass
class Mover:
    """A host that has moved, and would take a GET for an answer."""

    status: int = 301
    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        if request.path == "/moved":
            return web.json_response({"success": True})
        return web.Response(status=self.status, headers={"Location": f"{self.url}moved"})


@pytest.fixture
async def mover() -> AsyncIterator[Mover]:
    one = Mover()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.serve)
    async with TestServer(app) as server:
        one.url = str(server.make_url("/"))
        yield one


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_is_doubt(mover: Mover, status: int) -> None:
    mover.status = status
    async with Channel(mover.url) as channel:
        sender = FeedbackCompany(account(mover.url), channel)
        outcome = await sender.place(purchase(None), an_attempt(), ample(), "t0ken")
        found = await sender.login(ample())
    assert isinstance(outcome, InDoubt)
    assert isinstance(found, NotSent)
    assert mover.asked == ["POST /api/v2/orders", "GET /api/v2/oauth2/token"]
