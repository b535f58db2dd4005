"""The Feedback Company's JSON, both ways, as pure functions.

Keys are lower case, as in the page's example and in every client (its tables capitalise two).
A yes has to be said in the body; that 204 without one is a yes, one client says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar, assert_never

from schemas import jsontext
from schemas.intents.feedback_company import (
    FeedbackCompanyIntent,
    FeedbackCompanyLine,
    Invitation,
    Product,
    Wait,
)
from worker.http import Reply
from worker.lifecycle import LineState
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Check,
    Checked,
    Confirmed,
    InDoubt,
    LineReport,
    NotSent,
    Outcome,
    Refused,
)
from worker.providers.asked import each_line, intent_of, personal_in
from worker.providers.feedback_company.errors import (
    Sense,
    code_of,
    sense_of,
    shuts_out,
    taken,
)
from worker.providers.feedback_company.gtin import gtin_13
from worker.providers.reading import document, evidence, not_now, words

KEPT: Final = frozenset({"success", "error", "message"})
"""The fields of an answer a person may read. An error may repeat the customer: that is hidden."""

NO_CONTENT: Final = 204
GTIN_LEFT_OUT: Final = "the GTIN was left out: its check digit is wrong"
KNOWN_THERE: Final = "the provider had this order already"

_Told = TypeVar("_Told", bound=Confirmed | Refused | NotSent | InDoubt | Checked)


def reference(order: Ordered) -> str:
    """The order's ``external_id`` there: ours, the same over all attempts, and nobody else's."""
    return order.order_id.hex


def create_body(order: Ordered) -> bytes:
    """What creating an order says. What has no value is left out: nothing may be empty."""
    intent = _intent(order)
    body = _present(
        external_id=reference(order),
        customer=_present(email=intent.customer.email, fullname=intent.customer.fullname),
        invitation=intent.invitation and _invitation(intent.invitation),
        products=[_product(one.product) for _, one in _wanted(order) if one.product],
        filtercode=intent.filtercode,
    )
    return jsontext.canonical(body)


def read_created(reply: Reply, order: Ordered) -> Outcome:
    """What creating an order came to."""
    outcome: Outcome
    personal = personal_in(order)
    match _Said(reply, personal):
        case _Said(yes=True):
            outcome = _done(order)
        case _Said(id_taken=True):
            # The id is this order's alone, so what bears it there came of an earlier sending of
            # this very order: one whose answer was lost, or one that something on the way sent
            # twice. That holds for the first sending of an attempt as for the second.
            outcome = _done(order, KNOWN_THERE)
        case _Said(id_taken=None):
            outcome = InDoubt("an external_id is taken, and it is not said whose")
        case said:
            outcome = said.failure()
    return told(outcome, reply, reference(order), personal)


def read_shop(reply: Reply) -> Check:
    """Whether the account lets us in: it does where it names its shop."""
    said = _Said(reply, ())
    outcome: Check
    if said.succeeded and not said.no and isinstance(said.fields.get("shop"), dict):
        outcome = Checked()
    else:
        outcome = said.failure()
    return told(outcome, reply, None, ())


def told(outcome: _Told, reply: Reply, request_ref: str | None, personal: Sequence[str]) -> _Told:
    """The outcome with its evidence."""
    return replace(outcome, evidence=evidence(reply, request_ref, KEPT, personal))


class _Said:
    """What an answer says, in any of the shapes that the clients know."""

    def __init__(self, reply: Reply, personal: Sequence[str]) -> None:
        answer = document(reply)
        self.reply = reply
        self.fields: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
        error = self.fields.get("error")
        self.no = self.fields.get("success") is False or error is True or _is_text(error)
        self.succeeded = reply.status // 100 == 2  # noqa: PLR2004 -- HTTP
        nothing = reply.status == NO_CONTENT and not reply.body.strip()
        claimed = self.fields.get("success") is True
        clean = not error or (isinstance(error, str) and not _is_text(error))
        self.yes = self.succeeded and clean and (claimed or nothing)
        self.contradicts = claimed and not self.yes
        """It says success, and with its status or another field says the contrary."""
        said = error if _is_text(error) else self.fields.get("message")
        self.text = words(said, personal) if self.no else None

    @property
    def sense(self) -> Sense:
        """What the status adds to the body."""
        return Sense.BODY if self.succeeded else sense_of(self.reply.status)

    @property
    def id_taken(self) -> bool | None:
        """Whether this is a no that is believed, because the order is there already."""
        counts = self.no and not self.contradicts and self.sense is Sense.BODY
        return taken(self.text) if counts and self.text else False

    def failure(self) -> Refused | NotSent | InDoubt:
        """What it comes to where it is no yes."""
        status = self.reply.status
        if self.contradicts:
            return InDoubt(f"HTTP {status} says success and the contrary")
        match self.sense:
            case Sense.TOKEN:
                return NotSent("unauthorized", token_rejected=True)
            case Sense.WAIT:
                return not_now(self.reply, "throttled")
            case Sense.BODY if self.no and self.text and shuts_out(self.text):
                return NotSent("unauthorized", token_rejected=True)
            case Sense.BODY if self.no:
                return Refused(code_of(status), self.text or "refused without a reason")
            case Sense.BODY | Sense.DOUBT:
                return InDoubt(f"HTTP {status} says neither yes nor no")
            case sense:
                assert_never(sense)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _done(order: Ordered, reason: str | None = None) -> Confirmed:
    """An order that is there has ended: nothing more comes of it that we could ask for.

    The provider names none of its own ids; the one to find the order by is ours.
    """
    return Confirmed(
        None,
        tuple(
            LineReport(
                line.line_ref,
                LineState.DELIVERED,
                reason="; ".join(filter(None, (reason, _left_out(wanted)))) or None,
                details={"external_id": reference(order)},
            )
            for line, wanted in _wanted(order)
        ),
    )


def _left_out(wanted: FeedbackCompanyLine) -> str | None:
    gtin = wanted.product and wanted.product.gtin
    return GTIN_LEFT_OUT if gtin and gtin_13(gtin) is None else None


def _invitation(invitation: Invitation) -> dict[str, Any]:
    reminder = invitation.reminder and _wait(invitation.reminder)
    return _present(delay=_wait(invitation.delay), reminder=reminder)


def _wait(wait: Wait) -> dict[str, Any]:
    return {"unit": wait.unit, "amount": wait.amount}


def _product(product: Product) -> dict[str, Any]:
    return _present(
        external_id=product.external_id,
        name=product.name,
        url=product.url,
        sku=product.sku,
        gtin=product.gtin and gtin_13(product.gtin),
        image_url=product.image_url,
    )


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _intent(order: Ordered) -> FeedbackCompanyIntent:
    return intent_of(order, FeedbackCompanyIntent)


def _wanted(order: Ordered) -> Iterator[tuple[OrderedLine, FeedbackCompanyLine]]:
    return each_line(order, _intent(order).lines)
