"""What a provider's reports mean for each line: the moves, and what the producer is told. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from schemas.ids import EventId, new_uuid
from schemas.money import Money
from schemas.notifications import LineNews, Price
from worker.change import LineMove
from worker.lifecycle import CALLED_OFF, LineState, OrderState, final_state, may_move
from worker.order import Claimed, OrderedLine
from worker.outcome import LineReport


def line_moves(
    claimed: Claimed,
    reports: Iterable[LineReport],
    default: LineState,
    reason: str | None = None,
    provider_ref: str | None = None,
) -> tuple[LineMove, ...]:
    """The moves of an order's lines.

    A line goes where its report says, a line without one to ``default``. What the transitions do
    not allow is left out: a late "accepted" never takes a delivered line back.
    """
    by_ref = {report.line_ref: report for report in reports}
    moves = []
    for line in claimed.order.lines:
        report = by_ref.get(line.line_ref) or LineReport(line.line_ref, default, reason=reason)
        if may_move(line.state, report.state):
            moves.append(_move(claimed, line, report, provider_ref))
    return tuple(moves)


def called_off(claimed: Claimed, reports: Iterable[LineReport]) -> tuple[LineMove, ...]:
    """The moves of lines that were called off at their provider; all of them, unless told which."""
    by_ref = {report.line_ref: report for report in reports}
    told = bool(by_ref)
    reason = "called off, as was asked"
    moves = []
    for line in claimed.order.lines:
        report = by_ref.get(line.line_ref)
        gone = not told or (report is not None and report.state is LineState.CANCELLED)
        if gone and line.state in CALLED_OFF:
            report = report or LineReport(line.line_ref, LineState.CANCELLED, reason=reason)
            moves.append(_move(claimed, line, report, None))
    return tuple(moves)


def kept(claimed: Claimed, reason: str, besides: Iterable[LineMove] = ()) -> tuple[LineMove, ...]:
    """What is told of lines that were to be called off and are not: each stays as it is.

    ``besides`` are the moves of those that are; one that was called off before was told so then.
    """
    gone = {move.line_id for move in besides}
    return tuple(
        replace(
            _move(claimed, line, LineReport(line.line_ref, line.state, reason=reason), None),
            stays=True,
        )
        for line in claimed.order.lines
        if line.line_id not in gone and line.state is not LineState.CANCELLED
    )


def ended_as(claimed: Claimed, moves: Iterable[LineMove]) -> OrderState | None:
    """The order's final state once these moves are made, ``None`` while a line is still open."""
    moved = {move.line_id: move.to for move in moves}
    return final_state(moved.get(line.line_id, line.state) for line in claimed.order.lines)


def breach(limit: Money | None, asked: Money | None) -> str | None:
    """Why a price breaks the intent's ``max_total``, or ``None`` when it keeps it.

    Amounts of two currencies cannot be compared, so that breaks it too.
    """
    if limit is None or asked is None:
        return None
    if limit.currency != asked.currency:
        return f"the provider asks {asked}, max_total is in {limit.currency}"
    return (
        f"the provider asks {asked}, above max_total {limit}"
        if asked.amount > limit.amount
        else None
    )


def _move(
    claimed: Claimed, line: OrderedLine, report: LineReport, provider_ref: str | None
) -> LineMove:
    return LineMove(
        event_id=EventId(new_uuid()),
        line_id=line.line_id,
        to=report.state,
        price=report.price,
        goods=report.goods,
        news=LineNews(
            intent_id=claimed.order.intent.intent_id,
            producer=claimed.producer,
            order_id=str(claimed.order.order_id),
            deliver_id=line.deliver_id,
            sequence=line.sequence + 1,
            provider=claimed.provider,
            state=report.state,
            provider_ref=provider_ref or claimed.order.provider_ref,
            provider_line_ref=report.provider_line_ref or line.provider_line_ref,
            price=None if report.price is None else Price.of(report.price),
            reason=report.reason,
            details=dict(report.details) or None,
        ),
    )
