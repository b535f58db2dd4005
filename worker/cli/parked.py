"""``orderline parked``."""

import asyncio
from typing import Annotated

import typer
from rich.text import Text

from schemas.orders import AttemptView, distance, stamp
from schemas.parked import ChoiceView, ParkedView, SurplusView
from worker.cli.named import find_order
from worker.cli.output import Json, coloured, print_json, print_pairs, printable, say
from worker.cli.session import opened
from worker.operating.waiting import considered
from worker.store.views import Wanted
from worker.store.views_parked import waiting_for_a_person


def parked(
    name: Annotated[
        str | None, typer.Argument(metavar="[ORDER]", help="Only this one; see `orderline show`.")
    ] = None,
    *,
    producer: Annotated[str | None, typer.Option(help="Only of this producer.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only at this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what waits for a person: why, what is known, and what may be decided.

    Parked orders, whose outcome nothing could prove, and surplus orders: one more at the provider
    than was asked for. `orderline resolve` says what was found out.

    Example: orderline parked --provider hyperteknoloji
    """
    found = asyncio.run(_read(name, Wanted(producer=producer, provider=provider), limit))
    if as_json:
        print_json(found)
        return
    if not found:
        say("Nothing waits for a person.")
    for waiting in found:
        _tell(waiting)


async def _read(name: str | None, wanted: Wanted, limit: int) -> list[ParkedView]:
    async with opened() as session:
        order_id = None if name is None else (await find_order(session.db, name)).order_id
        found = await waiting_for_a_person(session.db, wanted, order_id=order_id, limit=limit)
        async with session.runtime() as rt:
            return await considered(rt, found)


def _tell(waiting: ParkedView) -> None:
    order = waiting.order
    since = f"{stamp(order.updated_at)} ({distance(order.updated_at, order.as_of)})"
    say(Text.assemble((f"Order {order.order_id} ", "bold"), coloured(order.state)))
    print_pairs(
        [
            ("why", order.parked_reason),
            ("since", since),
            ("intent", f"{order.intent_id} of {order.producer}"),
            ("provider", f"{order.provider}/{order.account}"),
            ("reference", order.provider_ref and f"{order.provider_ref} (the provider's)"),
            *(
                ("line", f"{line.deliver_id}: {line.state}, our line_ref {line.line_ref}")
                for line in waiting.lines
            ),
            *_evidence(waiting.attempt),
            *(("surplus", _surplus(each)) for each in waiting.surplus),
        ],
        indent=2,
    )
    for choice in waiting.choices:
        _tell_choice(choice)
    if waiting.hint:
        say(f"  {waiting.hint}")
    say("")


def _evidence(attempt: AttemptView | None) -> list[tuple[str, str | None]]:
    if attempt is None:
        return []
    again = f", {attempt.sends} times" if attempt.sends > 1 else ""
    asked = f"; looked up {attempt.look_ups} times in vain" if attempt.look_ups else ""
    outcome = attempt.outcome or "under way"
    sent = f"#{attempt.number} {attempt.step}, sent {stamp(attempt.sent_at)}{again}"
    return [
        ("attempt", f"{sent}: {outcome}{asked}"),
        ("because", attempt.reason),
        ("find it by", f"{attempt.request_ref or attempt.reference} (ours)"),
        ("answer", _answer(attempt)),
    ]


def _answer(attempt: AttemptView) -> str | None:
    status = None if attempt.status is None else f"HTTP {attempt.status}"
    return " ".join(filter(None, (status, attempt.body))) or None


def _surplus(surplus: SurplusView) -> str:
    ref = surplus.provider_ref or "one without an id"
    if surplus.decision is None:
        return f"{ref}: {surplus.reason}; say returned or kept"
    return f"{ref}: {surplus.decision} by {surplus.closed_by}"


def _tell_choice(choice: ChoiceView) -> None:
    if choice.refusal is None:
        line = Text.assemble("  --as ", (choice.decision.ljust(9), "bold"), " ")
        say(line + Text(printable(choice.means)))
    else:
        text = f"  not {choice.decision.ljust(9)}  {choice.refusal}"
        say(Text(printable(text), style="dim"))
