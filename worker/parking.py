"""Why orders are parked, in words that programs know, too. Pure.

Each reason is a sentence that begins with the words of its class; the rest tells this very case. So
the class of a reason can be told from its text, also of one that was written long ago.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Because(StrEnum):
    """The classes of reasons. The runbook has an entry for each."""

    NO_WAY_TO_ASK = "no_way_to_ask"
    """A call has an unknown outcome, and its provider cannot be asked."""
    NOT_IN_THEIR_LIST = "not_in_their_list"
    """It was looked up in vain, where a list proves nothing."""
    REFUSED_SENT_AGAIN = "refused_sent_again"
    """Sent again after doubt it was refused; what became of the first sending is unknown."""
    ENDED_IN_DOUBT = "ended_in_doubt"
    """No call may be made any more, and the last one has an unknown outcome."""
    REFUSED_AFTER_PLACED = "refused_after_placed"
    """Its provider had it, and says no now."""
    ANOTHER_FOUND = "another_found"
    """An order of it was found at the provider that an earlier call must have made."""
    LOOK_UPS_UNANSWERED = "look_ups_unanswered"
    """The provider has been asked for long, and never answered."""
    BOOKS_DISAGREE = "books_disagree"
    """The provider's books and ours say what cannot both be true."""
    WISH_UNDECIDED = "wish_undecided"
    """The provider took the wish to call it off, and never decided."""
    WISH_UNKNOWN = "wish_unknown"
    """Whether the provider heard that wish is unknown."""

    @property
    def words(self) -> str:
        """How every reason of this class begins."""
        return _WORDS[self]


OTHER: Final = "other"
"""The class of a reason that begins like none of them: older code wrote it."""

_WORDS: Final[Mapping[Because, str]] = {
    Because.NO_WAY_TO_ASK: "unknown outcome, and no way to ask",
    Because.NOT_IN_THEIR_LIST: "absent at look-up",
    Because.REFUSED_SENT_AGAIN: "its call has an unknown outcome; ",
    Because.ENDED_IN_DOUBT: "its call has an unknown outcome, and ",
    Because.REFUSED_AFTER_PLACED: "refused after it was placed",
    Because.ANOTHER_FOUND: "another order of it was found at the provider",
    Because.LOOK_UPS_UNANSWERED: "no look-up was answered for long",
    Because.BOOKS_DISAGREE: "its provider's books say of ",
    Because.WISH_UNDECIDED: "its provider took the wish to call it off, and never decided",
    Because.WISH_UNKNOWN: "whether it is called off is unknown",
}
