"""What each ``filtercode`` makes happen. Every other one, and none, is like ``sandbox-ok``."""

from dataclasses import dataclass
from typing import Final

from worker.sandbox.faults import Fault
from worker.sandbox.remote import Documented, Json, Magic, Reply

PREFIX: Final = "sandbox-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtercode(Magic):
    """One filtercode.

    ``answer`` is given instead of the usual yes, and ``executes`` says whether the order was
    taken all the same. ``repeats_taken``: a repeated ``external_id`` is another order, not refused.
    """

    answer: Reply | None = None
    executes: bool = False
    repeats_taken: bool = False


def said(status: int, error: str | bool) -> Reply:  # noqa: FBT001 -- the provider's own JSON
    """A failure in the first shape that clients know."""
    return Reply(status, {"success": False, "error": error})


TAKEN: Final = said(422, "external_id has already been taken")
"""How a repeated order is refused (assumed: that it is, and the words)."""
UNAUTHORIZED: Final = said(401, "Unauthorized")


def _answers(name: str, story: str, reply: Reply, *, executes: bool = False) -> Filtercode:
    return Filtercode(value=PREFIX + name, story=story, answer=reply, executes=executes)


def _faulty(name: str, story: str, fault: Fault, times: int = 1) -> Filtercode:
    """``times`` is per ``external_id``."""
    return Filtercode(value=PREFIX + name, story=story, fault=fault, times=times)


NORMAL: Final = Filtercode(value=PREFIX + "ok", story="taken; the invitation is sent one pace on")

_NOTHING: Final[Json] = {}

FILTERCODES: Final = (
    NORMAL,
    _answers("refused", "refused, HTTP 422", said(422, "customer.email is not accepted")),
    _answers("refused-200", "refused, HTTP 200: success false", said(200, "Not accepted")),
    _answers("error-true", "refused, HTTP 200: error true", Reply(200, {"error": True})),
    _answers("error-text", "refused, HTTP 400: error text", Reply(400, {"error": "Bad data"})),
    _answers("no-access", "400, No access, every time", said(400, "No access")),
    _answers("not-acceptable", "406, as for a wrong suffix", said(406, "Not acceptable")),
    _answers("moved", "302, unexecuted", Reply(302, _NOTHING)),
    _answers("empty-204", "taken, and answered 204 without a body", Reply(204, {}), executes=True),
    _answers("says-nothing", "taken, and answered 200 {}", Reply(200, _NOTHING), executes=True),
    _faulty("cut-before", "cut (FIN) unexecuted, the first time", Fault.CUT_BEFORE),
    _faulty("cut-after", "taken, then cut (FIN), the first time", Fault.CUT_AFTER),
    Filtercode(
        value=PREFIX + "cut-after-twice-taken",
        story="taken, then cut (FIN), the first time; a repeat is taken for another order",
        fault=Fault.CUT_AFTER,
        repeats_taken=True,
    ),
    Filtercode(
        value=PREFIX + "twice-taken",
        story="taken, however often: a repeat is another order, and another invitation",
        repeats_taken=True,
    ),
    _faulty("reset-before", "reset (RST) unexecuted, the first time", Fault.RESET_BEFORE),
    _faulty("reset-after", "taken, then reset (RST), the first time", Fault.RESET_AFTER),
    _faulty("hang-before", "never answered and unexecuted, the first time", Fault.HANG_BEFORE),
    _faulty("hang-after", "taken and never answered, the first time", Fault.HANG_AFTER),
    _faulty("500-before", "500 unexecuted, the first time", Fault.ERROR_500_BEFORE),
    _faulty("500-after", "taken, and answered 500, the first time", Fault.ERROR_500_AFTER),
    _faulty("404-after", "taken, and answered 404, the first time", Fault.NOT_FOUND_404_AFTER),
    _faulty("503", "503 unexecuted, the first time", Fault.UNAVAILABLE_503),
    _faulty("502", "502 by a proxy, in HTML, unexecuted, the first time", Fault.HTML_ERROR_PAGE),
    _faulty("504", "taken, and answered 504 by a proxy", Fault.GATEWAY_TIMEOUT_504),
    _faulty("garbage", "taken, and answered with what is not JSON", Fault.GARBAGE_AFTER),
    _faulty("429", "429 with Retry-After, the first two times", Fault.THROTTLED_429, times=2),
    _faulty("401", "401 and the token dies, unexecuted, the first time", Fault.UNAUTHORIZED_401),
    _faulty("drip", "taken; the answer comes byte by byte", Fault.SLOW_DRIP, times=0),
    _faulty("late", "taken at once, answered one pace later", Fault.LATE_ANSWER, times=0),
)

BY_FILTERCODE: Final = {str(one.value): one for one in FILTERCODES}


def _create(name: str, reply: Reply) -> Documented:
    return Documented("create", name, reply)


DOCUMENTED: Final = (
    _create("2xx success:false", said(200, "customer.email is not accepted")),
    _create("2xx error:true", Reply(200, {"error": True})),
    _create("2xx error:text", Reply(200, {"error": "customer.email is not accepted"})),
    _create("2xx not JSON", Reply(200, _NOTHING)),
    _create("301", Reply(301, _NOTHING)),
    _create("302", Reply(302, _NOTHING)),
    _create("400 bad data", said(400, "Bad request")),
    _create("400 Unauthorized", said(400, "Unauthorized")),
    _create("400 No access", said(400, "No access")),
    _create("401 Unauthorized", UNAUTHORIZED),
    _create("401 No access", Reply(401, {"error": "No access"})),
    _create("404", said(404, "Not found")),
    _create("406", said(406, "Not acceptable")),
    _create("422 validation", said(422, "customer.email must be a valid e-mail address")),
    _create("422 duplicate id", TAKEN),
    _create("429", said(429, "Too many requests")),
    _create("500", said(500, "Internal server error")),
    _create("5xx", said(503, "Service unavailable")),
)
"""Every row of the pages' and the clients' errors. The pages name no texts but those of 401."""
