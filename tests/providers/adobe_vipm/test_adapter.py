"""The Adobe adapter against its simulated marketplace: the contract, with and without a preview."""

from collections.abc import Mapping
from typing import ClassVar

from tests.providers.adobe_vipm.licences import (
    CANCELLING,
    CUSTOMER_ID,
    DOCUMENTED,
    PREVIEWED,
    licences,
    previewed,
)
from tests.providers.suite import Means, ProviderSuite
from tests.providers.trial import Steps
from worker.lifecycle import LineState
from worker.order import Ordered

OFFER = "80004567EA01A12"


class TestAdobe(ProviderSuite):
    provider: ClassVar[str] = "adobe_vipm"
    reads: ClassVar[tuple[str | None, str | None]] = ("list", "get")
    documented: ClassVar[Mapping[tuple[str, str], Means]] = DOCUMENTED
    cancelling: ClassVar[str] = CANCELLING
    elsewhere: ClassVar[frozenset[str]] = frozenset({"preview"})
    placed_as: ClassVar[LineState] = LineState.DELIVERED
    tells_price: ClassVar[bool] = False
    gives_goods: ClassVar[bool] = False
    books_shelf: ClassVar[str | None] = CUSTOMER_ID
    no_shelf: ClassVar[str | None] = "123"

    def plain(self) -> Ordered:
        return licences(OFFER, "sandbox-ok")


class TestAdobePreviewedFirst(ProviderSuite):
    provider: ClassVar[str] = "adobe_vipm"
    reads: ClassVar[tuple[str | None, str | None]] = ("list", "get")
    documented: ClassVar[Mapping[tuple[str, str], Means]] = DOCUMENTED
    steps: ClassVar[Steps | None] = PREVIEWED
    cancelling: ClassVar[str] = CANCELLING
    elsewhere: ClassVar[frozenset[str]] = frozenset({"return", "list", "get", "ping", "login"})
    placed_as: ClassVar[LineState] = LineState.DELIVERED
    tells_price: ClassVar[bool] = False
    gives_goods: ClassVar[bool] = False
    books_shelf: ClassVar[str | None] = CUSTOMER_ID
    no_shelf: ClassVar[str | None] = "123"

    def plain(self) -> Ordered:
        return previewed(OFFER, "sandbox-level-01")
