"""The pump goes on, whatever a claim comes to."""

import asyncio
from uuid import UUID, uuid4

from worker.pump import Pump
from worker.supervisor import Supervisor


async def test_a_claim_that_fails_for_any_reason_is_made_again() -> None:
    row, worked = uuid4(), asyncio.Event()
    answers: list[Exception | list[UUID]] = [KeyError("a fault of ours"), [row]]

    async def claim(_: int) -> list[UUID]:
        match answers.pop(0) if answers else []:
            case Exception() as error:
                raise error
            case list() as found:
                return found

    async def work(_: UUID) -> str:
        worked.set()
        return "done"

    supervisor = Supervisor()
    pump = Pump(
        "test", permits=2, claim=claim, work=work, name_of=lambda item: item, supervisor=supervisor
    )
    supervisor.spawn(pump.run(), "pump")
    async with asyncio.timeout(10):
        await pump.see(())
        await worked.wait()
        await pump.see(())
    pump.stop()
    assert await supervisor.settle(5)
    assert (pump.free, supervisor.failures) == (2, 0)
