"""What the demonstration's products do, and what must become of an order of each.

Products are magic values of the sandbox (``orderline up`` lists them at ``/_sandbox/magic``).
"""

from typing import Any, Final

from worker.demo.asks import (
    Ask,
    adobe,
    adobe_preview,
    adobe_previewed,
    feedback,
    gifthub,
    hyperteknoloji,
    threekit,
)
from worker.lifecycle import OrderState

_S = OrderState

Story = tuple[Ask, Any, OrderState, str]

_HYPERTEKNOLOJI: Final[tuple[Story, ...]] = (
    (hyperteknoloji, 1, _S.FULFILLED, "delivered at once"),
    (hyperteknoloji, 1, _S.FULFILLED, "delivered at once"),
    (hyperteknoloji, 1, _S.FULFILLED, "delivered at once"),
    (hyperteknoloji, 5, _S.FULFILLED, "delivered a little later"),
    (hyperteknoloji, 5, _S.FULFILLED, "delivered a little later"),
    (hyperteknoloji, 2, _S.REFUSED, "out of stock"),
    (hyperteknoloji, 3, _S.REFUSED, "price changed"),
    (hyperteknoloji, 6, _S.CANCELLED, "cancelled by the provider"),
    (hyperteknoloji, 8, _S.FULFILLED, "bought, then the line was cut: looked up"),
    (hyperteknoloji, 8, _S.FULFILLED, "bought, then the line was cut: looked up"),
    (hyperteknoloji, 9, _S.PARKED, "cut, and not in their list: a person decides"),
    (hyperteknoloji, 10, _S.FULFILLED, "bought, never answered: looked up"),
    (hyperteknoloji, 11, _S.FULFILLED, "bought, answered 500: looked up"),
    (hyperteknoloji, 13, _S.FULFILLED, "429 twice, then sold"),
    (hyperteknoloji, 16, _S.FULFILLED, "bought, then reset: looked up"),
    (hyperteknoloji, 17, _S.FULFILLED, "sold for more than it was listed for: told"),
    (hyperteknoloji, 23, _S.FULFILLED, "our token was rejected and renewed"),
)

_GIFTHUB: Final[tuple[Story, ...]] = (
    (gifthub, "sandbox-ok-fixed", _S.FULFILLED, "quoted, confirmed, delivered"),
    (gifthub, "sandbox-ok-fixed", _S.FULFILLED, "quoted, confirmed, delivered"),
    (gifthub, "sandbox-ok-fixed", _S.FULFILLED, "quoted, confirmed, delivered"),
    (gifthub, "sandbox-slow", _S.FULFILLED, "delivered a little later"),
    (gifthub, "sandbox-out-of-stock", _S.REFUSED, "out of stock, said by a 500"),
    (gifthub, "sandbox-price-raised", _S.REFUSED, "asks more than max_total: not confirmed"),
    (gifthub, "sandbox-create-cut", _S.FULFILLED, "priced, then cut: priced again, harmlessly"),
    (gifthub, "sandbox-429", _S.FULFILLED, "429 twice, then sold"),
    (gifthub, "sandbox-confirm-cut", _S.FULFILLED, "bought, then the line was cut: looked up"),
    (
        gifthub,
        "sandbox-confirm-cut-before",
        _S.FULFILLED,
        "cut before it was bought: looked up, bought",
    ),
    (gifthub, "sandbox-confirm-hang", _S.FULFILLED, "bought, never answered: looked up"),
    (gifthub, "sandbox-confirm-404-when-done", _S.FULFILLED, "bought, answered 404: looked up"),
)

_ADOBE: Final[tuple[Story, ...]] = (
    (adobe, "sandbox-ok", _S.FULFILLED, "complete at once"),
    (adobe, "sandbox-ok", _S.FULFILLED, "complete at once"),
    (adobe, "sandbox-slow", _S.FULFILLED, "open, then complete"),
    (adobe, "sandbox-fails", _S.FAILED, "open, then failed"),
    (adobe, "sandbox-ineligible", _S.REFUSED, "this customer may not buy it"),
    (adobe, "sandbox-cut", _S.FULFILLED, "placed, then cut: the same request again, answered"),
    (adobe, "sandbox-cut-before", _S.FULFILLED, "cut: the same request again, placed"),
    (adobe, "sandbox-hang", _S.FULFILLED, "placed, never answered: the same request again"),
    (adobe, "sandbox-504", _S.FULFILLED, "placed, a proxy says 504: the same request again"),
    (adobe, "sandbox-500-executed", _S.FULFILLED, "placed, 500 each time: looked up"),
    (adobe, "sandbox-unavailable-once", _S.FULFILLED, "a 400 that passes: placed later"),
    (adobe, "sandbox-401", _S.FULFILLED, "our token was rejected and renewed"),
    (adobe_previewed, "sandbox-ok", _S.FULFILLED, "previewed, cheap enough, placed"),
    (adobe_previewed, "sandbox-level-01", _S.FULFILLED, "previewed, and the better offer placed"),
    (adobe_previewed, "sandbox-dear", _S.REFUSED, "previewed, above max_total: not placed"),
    (adobe_preview, "sandbox-ok", _S.FULFILLED, "only its price was asked for"),
)

_THREEKIT: Final[tuple[Story, ...]] = (
    (threekit, "sandbox-ok", _S.FULFILLED, "recorded"),
    (threekit, "sandbox-ok", _S.FULFILLED, "recorded"),
    (threekit, "sandbox-ok", _S.FULFILLED, "recorded"),
    (threekit, "sandbox-cut", _S.FULFILLED, "recorded, then cut: looked up"),
    (threekit, "sandbox-hang", _S.FULFILLED, "recorded, never answered: looked up"),
    (threekit, "sandbox-500-executed", _S.FULFILLED, "recorded, answered 500: looked up"),
    (threekit, "sandbox-cart-hidden", _S.FULFILLED, "recorded, its cart hidden: looked up"),
    (threekit, "sandbox-listed-late", _S.FULFILLED, "recorded, cut, and late in their list"),
    (threekit, "sandbox-429-twice", _S.FULFILLED, "429 twice, then recorded"),
    (threekit, "sandbox-401-once", _S.FULFILLED, "401 once, then recorded"),
    (threekit, "sandbox-422", _S.REFUSED, "malformed, they say"),
)

_FEEDBACK: Final[tuple[Story, ...]] = (
    (feedback, "sandbox-ok", _S.FULFILLED, "taken"),
    (feedback, "sandbox-ok", _S.FULFILLED, "taken"),
    (feedback, "sandbox-ok", _S.FULFILLED, "taken"),
    (feedback, "sandbox-refused-200", _S.REFUSED, "refused, under HTTP 200"),
    (feedback, "sandbox-429", _S.FULFILLED, "429 twice, then taken"),
    (feedback, "sandbox-401", _S.FULFILLED, "our token was rejected and renewed"),
    (feedback, "sandbox-cut-after", _S.PARKED, "taken, then cut: nobody can ask, a person decides"),
    (feedback, "sandbox-500-before", _S.PARKED, "answered 500: nobody can ask, a person decides"),
)

STORIES: Final = (*_HYPERTEKNOLOJI, *_GIFTHUB, *_ADOBE, *_THREEKIT, *_FEEDBACK)

TO_CANCEL: Final[tuple[Story, ...]] = (
    (hyperteknoloji, 38, _S.CANCELLED, "called off before it was delivered"),
    (adobe, "sandbox-ok", _S.CANCELLED, "complete, then given back"),
    (gifthub, "sandbox-slow", _S.FULFILLED, "to be called off: no way is documented"),
)
"""Orders that their producer wants called off once they are placed."""
