"""The engine: pumps, steps and the runtime, put together for one worker process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from schemas.jobs import RECONCILE, OrderBell
from worker.desk import Desk
from worker.lifecycle import OrderState
from worker.logs import about, get_logger
from worker.metrics.meters import Work
from worker.order import Claimed
from worker.pulse import PulseWriter, PumpPulse
from worker.pump import WAITING, Pump
from worker.reconciliation import reconcile, start
from worker.runtime import DeskKey, Runtime, open_runtime
from worker.settings import Settings
from worker.steps import breaker
from worker.steps.claim import Claims
from worker.steps.clocks import OFTEN, compare_clocks
from worker.steps.collect import collect
from worker.steps.deliver import deliver
from worker.steps.drive import drive
from worker.steps.expire import end_lapsed
from worker.store import accounts, upkeep
from worker.store.notifications import Owed
from worker.store.session import OnBoundary, is_transient
from worker.store.views import states_of
from worker.supervisor import pause

log = get_logger(__name__)

MAIL: Final = "notification"
"""The name of the notifications' pump."""

_KEPT_SHARE: Final = 4
"""One in so many permits is for first deliveries while notifications are claimed: there is much to
claim where an endpoint fails, and nobody else is to wait for that."""
_TO_WRITE: Final = 4.0
_CALLS_IN_A_ROW: Final = 2
"""How many calls one claim of an order makes at most where each takes all its time."""


def pump_of(provider: str, account: str) -> str:
    """The name of an account's pump."""
    return f"order:{provider}/{account}"


class Engine:
    """Does the work of one process: an order pump per account, and one for notifications."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.mail: Pump[Owed] = Pump(
            MAIL,
            permits=rt.settings.delivery_concurrency,
            kept=rt.settings.delivery_concurrency // _KEPT_SHARE,
            claim=rt.meters.claiming(Work.NOTIFICATIONS, partial(collect, rt=rt)),
            work=lambda owed: deliver(owed, self.mail, rt),
            name_of=lambda owed: owed.event_id,
            supervisor=rt.supervisor,
        )
        self.orders: Mapping[DeskKey, Pump[Claimed]] = {
            key: self._order_pump(desk) for key, desk in rt.desks.items()
        }
        rt.meters.watch_pumps(
            self.mail, self.orders, {key: desk.permits for key, desk in rt.desks.items()}
        )
        self.pulse = PulseWriter(rt.settings, rt.clock, rt.worker, self.pump_pulses)
        self._heard: Container[str] = {provider for provider, _ in rt.desks}
        self._hears_mail = True
        self._stopping = asyncio.Event()
        self._ending: asyncio.Task[Counter[str]] | None = None
        self._to_watch = asyncio.Event()

    def listen_to(self, providers: Container[str], *, mail: bool) -> None:
        """Which bells reach this process; it answers for no others. All do, unless this is told."""
        self._heard = providers
        self._hears_mail = mail

    def start(self) -> None:
        """Start claiming; whatever is due already is found at once."""
        self.rt.supervisor.spawn(self._compare_clocks(), "clocks")
        if self.rt.rates is not None:
            self.rt.supervisor.spawn(self.rt.rates.beat_until(self._stopping), "rates")
        self.rt.supervisor.spawn(self._watch_calls(), "breakers")
        self.rt.supervisor.spawn(self.rt.meters.watch_loop(self._stopping), "loop")
        for pump in self.pumps:
            self.rt.supervisor.spawn(pump.run(), f"pump:{pump.name}")
        for (provider, _), pump in self.orders.items():
            if provider in self._heard:
                pump.ring()
        self.mail.ring()

    def end_lapsed(self) -> None:
        """Somebody met an order whose window has closed: end all there are, once at a time."""
        if self._ending is None or self._ending.done():
            self._ending = self.rt.supervisor.spawn(end_lapsed(self.mail, self.rt), "lapsed")

    def expect(self, every: Mapping[str, timedelta]) -> None:
        """Say which jobs are to be done, and how often, so that one that is missed is seen."""
        self.rt.supervisor.spawn(self._expect(every), "schedule")

    async def reconcile_due(self) -> list[str]:
        """Begin the reconciliations that are due, or were left; the accounts, by name."""
        begun = []
        for (provider, account), desk in self.rt.desks.items():
            settings = self.rt.settings
            run = await start(
                desk, self.rt, back=settings.reconcile_back, every=settings.reconcile_every
            )
            if run is not None:
                name = f"{provider}/{account}"
                work = reconcile(run, desk, self.rt, self._stopping)
                self.rt.supervisor.spawn(work, f"reconcile:{name}")
                begun.append(name)
        await upkeep.note(self.rt.db, RECONCILE)
        return begun

    async def stop(self, grace: float) -> None:
        """Claim nothing more, let calls finish, and cut off those that outlast the grace.

        A call that is cut leaves its order in doubt, on disk, for another worker to look up;
        the last part of the grace is kept for writing that down.
        """
        self._stopping.set()
        self._to_watch.set()
        for pump in self.pumps:
            pump.stop()
        for desk in self.rt.desks.values():
            if desk.pace is not None:
                desk.pace.stop()
        to_write = min(_TO_WRITE, grace / 2)
        if not await self.rt.supervisor.settle(grace - to_write):
            self.rt.calls.stop()
            await self.rt.supervisor.drain(to_write)

    def look(self, provider: str, account: str) -> None:
        """Something of an account may be due: claim it, if its bells reach this process."""
        if (provider, account) in self.orders and provider in self._heard:
            self.orders[provider, account].ring()

    async def hear(self, bell: OrderBell) -> Counter[str]:
        """Work on what a bell announces; what became of its orders, counted by state.

        Mostly somebody is at work on them already: then the bell only tells what came of it.
        """
        pump = self.orders.get((bell.provider, bell.account))
        if pump is None:
            log.warning("account_not_configured", provider=bell.provider, account=bell.account)
            return Counter(not_configured=len(bell.order_ids))
        if bell.swept:
            await accounts.answer(self.rt.db, bell.provider, bell.account)
        here = pump.at_work_on(bell.order_ids)
        words = await self._states(set(bell.order_ids) - here)
        due = {order_id for order_id, word in words.items() if word == WAITING}
        seen = await pump.see(here | due) if here or due else Counter[str]()
        return seen + Counter(words[order_id] for order_id in words.keys() - due)

    async def hear_mail(self, event_ids: Sequence[UUID]) -> Counter[str]:
        """Deliver what is due; what became of these notifications."""
        return await self.mail.see(event_ids)

    @property
    def pumps(self) -> Sequence[Pump[Claimed] | Pump[Owed]]:
        """Every pump of this process."""
        return [self.mail, *self.orders.values()]

    def pump_pulses(self) -> Mapping[str, PumpPulse]:
        """How the pumps stand that this process is rung for."""
        pulses = {}
        if self._hears_mail:
            pulses[MAIL] = _pulse_of(self.mail, self.rt.delivery_lease)
        for (provider, account), pump in self.orders.items():
            if provider in self._heard:
                longest = _CALLS_IN_A_ROW * self.rt.desks[provider, account].lease
                pulses[pump.name] = _pulse_of(pump, longest)
        return pulses

    async def _states(self, ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Where orders stand that nobody here works on; while nobody can say, they wait."""
        try:
            return await states_of(self.rt.db, ids, due=WAITING)
        except Exception as error:
            if not is_transient(error):
                raise
            return dict.fromkeys(ids, WAITING)

    async def _expect(self, every: Mapping[str, timedelta]) -> None:
        while not self._stopping.is_set():
            try:
                await upkeep.expect(self.rt.db, every)
            except Exception as error:
                if not is_transient(error):
                    raise
                await pause(OFTEN.total_seconds(), until=self._stopping)
            else:
                return

    async def _compare_clocks(self) -> None:
        while not self._stopping.is_set():
            try:
                await compare_clocks(self.rt)
            except Exception as error:  # noqa: BLE001 -- the next look will do
                log.warning("clocks_not_compared", error=type(error).__name__)
            await pause(OFTEN.total_seconds(), until=self._stopping)

    async def watch_calls(self) -> None:
        """Look at the accounts' breakers and pauses, and ring where there may be work now."""
        for key in await breaker.watch_calls(self.rt):
            self.look(*key)

    async def _watch_calls(self) -> None:
        while not self._stopping.is_set():
            self._to_watch.clear()
            try:
                await self.watch_calls()
            except Exception as error:  # noqa: BLE001 -- the next look will do
                log.warning("calls_not_watched", error=type(error).__name__)
            await pause(breaker.OFTEN, until=self._to_watch)

    async def drive(self, claimed: Claimed, desk: Desk) -> str:
        """Take an order on; one that is a probe decides about its account's breaker."""
        attempt = None if claimed.attempt is None else claimed.attempt.number
        with about(order=claimed.order.order_id, attempt=attempt), desk.granted() as granted:
            state = await self._drive(claimed, granted)
        if state == OrderState.EXPIRED:
            self.end_lapsed()
        return state

    async def _drive(self, claimed: Claimed, desk: Desk) -> str:
        lease = self.rt.rests.take_probe(claimed.order.order_id)
        if lease is None:
            return await drive(claimed, desk, self.mail, self.rt)
        try:
            return await breaker.probe(claimed, lease, desk, self.mail, self.rt)
        finally:
            self._to_watch.set()

    def _order_pump(self, desk: Desk) -> Pump[Claimed]:
        rt = self.rt

        def again() -> None:
            pump.ring()

        pump: Pump[Claimed] = Pump(
            pump_of(desk.provider_name, desk.account),
            permits=desk.permits,
            claim=rt.meters.claiming(Work.ORDERS, Claims(desk, rt, again).take),
            work=partial(self.drive, desk=desk),
            name_of=lambda claimed: claimed.order.order_id,
            supervisor=rt.supervisor,
        )
        return pump


def _pulse_of(pump: Pump[Claimed] | Pump[Owed], longest: timedelta) -> PumpPulse:
    return PumpPulse(silent=pump.silent, may=longest.total_seconds() if pump.full else 0.0)


@asynccontextmanager
async def running_engine(
    settings: Settings,
    *,
    on_boundary: OnBoundary | None = None,
    providers: Container[str] | None = None,
    mail: bool = True,
) -> AsyncIterator[Engine]:
    """An engine at work; stopped within the settings' grace on the way out.

    ``providers`` and ``mail`` say which bells reach it; all do, unless they are named.
    """
    async with open_runtime(settings, on_boundary=on_boundary) as rt:
        engine = Engine(rt)
        if providers is not None:
            engine.listen_to(providers, mail=mail)
        engine.start()
        async with engine.pulse.beating():
            try:
                yield engine
            finally:
                await engine.stop(settings.grace.total_seconds())
