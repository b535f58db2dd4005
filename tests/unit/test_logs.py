"""Promise P7 in the logs: what was never declared harmless reaches no line, in no format."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal
from uuid import UUID

import pytest
import structlog

from worker import logs
from worker.errors import OrderlineError
from worker.logs import FIELDS, get_logger

SECRET = "pin-4711"


LogFormat = Literal["json", "console"]
Read = Callable[[], str]


@pytest.fixture(autouse=True)
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Read]:
    """What was written to standard error; the log configuration is put back afterwards."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield lambda: capsys.readouterr().err
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


both = pytest.mark.parametrize("log_format", ["json", "console"])


def lines(written: Read) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written().splitlines()]


def test_a_line_says_when_where_how_bad_and_what(written: Read) -> None:
    logs.configure("json")
    get_logger("worker.x").warning("late_outcome", attempt=2, outcome="confirmed")
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "late_outcome",
        "level": "warning",
        "logger": "worker.x",
        "attempt": 2,
        "outcome": "confirmed",
    }


@both
@pytest.mark.parametrize("field", ["pin", "email", "token", "_pin", "body", "headers", "intent"])
def test_a_field_nobody_declared_reaches_no_line(
    written: Read, log_format: LogFormat, field: str
) -> None:
    logs.configure(log_format)
    get_logger("x").info("order_placed", order="o-1", **{field: SECRET})
    told = written()
    assert SECRET not in told
    assert "o-1" in told


@both
def test_nor_does_one_that_was_bound_to_a_logger(written: Read, log_format: LogFormat) -> None:
    logs.configure(log_format)
    get_logger("x").bind(email=SECRET, order="o-1").info("order_placed")
    told = written()
    assert SECRET not in told
    assert "o-1" in told


@both
def test_what_a_block_is_about_stands_in_each_of_its_lines_and_in_none_after_it(
    written: Read, log_format: LogFormat
) -> None:
    logs.configure(log_format)
    order = UUID("01a204c6-943c-7473-b3d8-5a84f8161a7b")
    with logs.about(order=order, line="l-1"):
        get_logger("x").info("claimed")
        logs.about_attempt(3)
        logging.getLogger("library").warning("slow")
    get_logger("x").info("afterwards")
    claimed, slow, afterwards = written().splitlines()
    for line in (claimed, slow):
        assert str(order) in line
        assert order.hex in line
        assert "l-1" in line
    assert "attempt" not in claimed
    assert "attempt" in slow
    assert "order" not in afterwards
    assert "attempt" not in afterwards


def test_every_line_of_a_worker_names_its_process(written: Read) -> None:
    logs.configure("json", worker=lambda: "host:1")
    get_logger("x").info("started")
    logging.getLogger("library").warning("slow")
    get_logger("x").info("consumer_left_behind", worker="host:2")
    assert [line["worker"] for line in lines(written)] == ["host:1", "host:1", "host:2"]


def test_a_trace_is_its_own_or_the_orders_in_the_way_of_other_systems(written: Read) -> None:
    logs.configure("json")
    for order, trace in (("01a2-03", None), ("01a2-03", "0f"), (None, "4b-f9")):
        with logs.about(order=order, trace=trace):
            get_logger("x").info("x")
    assert [line["trace"] for line in lines(written)] == ["01a203", "0f", "4bf9"]


@both
def test_nor_does_one_of_a_librarys_own_record(written: Read, log_format: LogFormat) -> None:
    logs.configure(log_format)
    logging.getLogger("library").warning("slow: %s", "query", extra={"pin": SECRET})
    told = written()
    assert SECRET not in told
    assert "slow: query" in told


def stumble() -> None:
    pin = SECRET
    try:
        try:
            int(pin)
        except ValueError as error:
            raise KeyError(pin) from error
    except KeyError:
        raise OrderlineError("the sealed value cannot be opened")  # noqa: B904 -- a chain to tell


@both
def test_an_exception_is_told_by_its_types_and_places_never_by_others_words(
    written: Read,
    log_format: LogFormat,
) -> None:
    """What libraries say of an error may quote a row, a header or a local variable."""
    logs.configure(log_format)
    try:
        stumble()
    except OrderlineError:
        get_logger("x").exception("order_unreadable", order="o-1")
    told = written()
    assert SECRET not in told
    assert "ValueError" in told
    assert "KeyError" in told
    assert "in stumble" in told
    assert "OrderlineError: the sealed value cannot be opened" in told


@both
def test_an_exception_of_a_librarys_own_record_is_told_in_the_same_way(
    written: Read,
    log_format: LogFormat,
) -> None:
    logs.configure(log_format)
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("library").exception("it broke")
    told = written()
    assert SECRET not in told
    assert "ValueError" in told
    assert "it broke" in told


@both
def test_an_exception_can_be_handed_over(written: Read, log_format: LogFormat) -> None:
    logs.configure(log_format)
    get_logger("x").error("task_failed", exc_info=ConnectionResetError("reset by peer"))
    assert "ConnectionResetError: reset by peer" in written()


def test_an_exception_that_is_its_own_cause_is_told_once() -> None:
    one, other = KeyError(1), KeyError(2)
    one.__cause__, other.__cause__ = other, one
    assert logs.story(one).count("KeyError") == 2


def test_a_json_line_is_one_line_whatever_happened(written: Read) -> None:
    logs.configure("json")
    try:
        stumble()
    except OrderlineError:
        get_logger("x").exception("two\nlines")
    (line,) = lines(written)
    assert line["exception"].count("\n") > 3


def test_quieter_lines_than_asked_for_are_not_written(written: Read) -> None:
    logs.configure("json", "warning")
    get_logger("x").info("quiet")
    logging.getLogger("library").info("quiet too")
    get_logger("x").warning("loud")
    assert [line["event"] for line in lines(written)] == ["loud"]


def test_auto_is_json_where_nobody_watches(written: Read) -> None:
    logs.configure("auto")
    get_logger("x").info("started")
    assert lines(written)[0]["event"] == "started"


def test_no_field_is_named_after_something_personal() -> None:
    personal = {"name", "email", "mail", "phone", "pin", "token", "secret", "password", "body"}
    personal |= {"goods", "value", "url", "query", "headers", "key", "args", "intent"}
    assert not FIELDS & personal


def test_a_line_that_cannot_be_written_is_not_shown_raw_instead(written: Read) -> None:
    logs.configure("json")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(Broken())
    get_logger("x").info("order_placed", pin=SECRET)
    assert SECRET not in written()


class Broken(io.StringIO):
    """A place that cannot be written to."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device", text)
