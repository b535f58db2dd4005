"""Gifthub: gift cards, in two phases: creating freezes a price, confirming buys.

Facts are from the "Create Order" page and https://qaviation.gitbook.io/gifthub-api-doc.
"""

from typing import Final

from worker.providers.gifthub.adapter import Gifthub

ADAPTER: Final = Gifthub
