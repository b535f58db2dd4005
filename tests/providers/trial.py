"""One provider account in the sandbox, with an adapter that speaks to it over real HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from pydantic import SecretStr

from schemas.ids import AttemptId, LineId, OrderId, new_uuid
from schemas.intents import load_intent
from worker.books import BookPage
from worker.http import Channel, Deadline
from worker.lifecycle import LineState, Step
from worker.order import Attempted, Ordered, OrderedLine
from worker.outcome import Check, Confirmed, InDoubt, LookUp, NotSent, Outcome, Pending, Refused
from worker.provider import Account, Provider, Token
from worker.providers import REGISTRY, load_accounts
from worker.sandbox import Sandbox
from worker.sandbox.remote import Remote
from worker.sandbox.remotes import REMOTES

CARD_CODE = "SANDBOX-"
"""What every code begins with that the sandbox delivers."""
CUSTOMER = "Zübeyde 5512345678"
"""The personal data in every intent that has some."""
CUSTOMER_EMAIL = "zubeyde.5512345678@example.test"
"""The same customer's address, where an intent has one."""


Steps = Mapping[Step, str]
"""The calls that make an order, in turn, each with the sandbox operation that it takes."""


def usual_steps(provider: str) -> Steps:
    """Those of a provider whose orders are all made alike."""
    two_phase = REGISTRY[provider].capabilities.two_phase
    return {Step.PLACE: "create"} | ({Step.CONFIRM: "confirm"} if two_phase else {})


def ample() -> Deadline:
    return Deadline.after(start=30, total=60)


def an_order(provider: str, lines: Sequence[dict[str, Any]], **fields: Any) -> Ordered:
    """An order as the store would hand it over, every line waiting."""
    intent = load_intent(
        {
            "intent_id": "1",
            "producer": "shop",
            "provider": provider,
            "lines": [{"deliver_id": f"shop-{n}", **line} for n, line in enumerate(lines)],
            **fields,
        }
    )
    return Ordered(
        order_id=OrderId(new_uuid()),
        intent=intent,
        lines=tuple(
            OrderedLine(
                line_id=LineId(new_uuid()),
                index=index,
                deliver_id=line.deliver_id,
                line_ref=uuid4().hex,
                state=LineState.WAITING,
                sequence=0,
            )
            for index, line in enumerate(intent.lines)
        ),
    )


def an_attempt(step: Step = Step.PLACE) -> Attempted:
    now = datetime.now(UTC)
    return Attempted(
        attempt_id=AttemptId(new_uuid()),
        number=1,
        step=step,
        reference=uuid4().hex,
        opened_at=now,
        sent_at=now,
    )


def after(order: Ordered, outcome: Confirmed | Pending) -> Ordered:
    """The order with what an outcome said of it, as the store would have kept it."""
    reports = {report.line_ref: report for report in outcome.lines}
    lines = tuple(
        replace(
            line,
            state=report.state,
            provider_line_ref=report.provider_line_ref or line.provider_line_ref,
            details={**line.details, **report.details},
        )
        if (report := reports.get(line.line_ref))
        else line
        for line in order.lines
    )
    return replace(order, lines=lines, provider_ref=outcome.provider_ref or order.provider_ref)


def account_of(sandbox: Sandbox, provider: str, **fields: str) -> Account:
    return account_with(provider, sandbox.account_settings()[provider]["default"] | fields)


def account_with(provider: str, fields: Mapping[str, str]) -> Account:
    raw = {name: SecretStr(value) for name, value in fields.items()}
    return load_accounts({provider: {"default": raw}})[provider]["default"]


def credentials_in(account: Account) -> list[str]:
    """What a login says, as far as it is no common word."""
    fields = (getattr(account, name) for name in type(account).model_fields)
    opened = [one.get_secret_value() for one in fields if isinstance(one, SecretStr)]
    return [secret for secret in opened if len(secret) > len("sandbox")]


def remote_of(provider: str) -> type[Remote]:
    """The simulated remote, as it documents itself."""
    (found,) = [remote for remote in REMOTES if remote.name == provider]
    return found


class Trial:
    """An adapter, one connection wide, so that a second call reuses the first one's.

    Every outcome is looked through for secrets, whatever the test is about.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        provider: str,
        steps: Steps | None = None,
        cancelling: str = "cancel",
        /,
        **fields: str,
    ) -> None:
        self.sandbox = sandbox
        self.name = provider
        self.steps = steps or usual_steps(provider)
        self.operations: Steps = {**self.steps, Step.CANCEL: cancelling}
        self.account = account_of(sandbox, provider, **fields)
        self.token: str | None = None
        self.attempt = an_attempt()

    async def __aenter__(self) -> Self:
        self.channel = Channel(self.account.base_url, limit=1)
        self.adapter: Provider = REGISTRY[self.name](self.account, self.channel)
        if self.adapter.capabilities.needs_token:
            await self.log_in()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.aclose()

    async def reconnect(self) -> None:
        """Go on with connections that were never used."""
        await self.channel.aclose()
        self.channel = Channel(self.account.base_url, limit=1)
        self.adapter = REGISTRY[self.name](self.account, self.channel)

    @property
    def committing(self) -> Step:
        """The call that costs money."""
        return list(self.steps)[-1]

    @property
    def secrets(self) -> list[str]:
        """What must never be seen; the sandbox's password is too common a word to look for."""
        personal = [CUSTOMER, CUSTOMER_EMAIL]
        return [*personal, CARD_CODE, *filter(None, [self.token]), *self.credentials]

    @property
    def credentials(self) -> list[str]:
        return credentials_in(self.account)

    async def log_in(self) -> None:
        """Get a token by a connection of its own, so that the trial's own stays unused."""
        async with Channel(self.account.base_url) as channel:
            token = await REGISTRY[self.name](self.account, channel).login(ample())
        assert isinstance(token, Token)
        self.token = token.value

    async def call(self, step: Step, order: Ordered, deadline: Deadline | None = None) -> Outcome:
        verbs = {
            Step.PLACE: self.adapter.place,
            Step.CONFIRM: self.adapter.confirm,
            Step.CANCEL: self.adapter.cancel,
        }
        outcome = await verbs[step](order, self.attempt, deadline or ample(), self.token)
        return self._checked(outcome)

    async def login(self, deadline: Deadline | None = None) -> Token | Outcome:
        answer = await self.adapter.login(deadline or ample())
        return answer if isinstance(answer, Token) else self._checked(answer)

    async def check(self, deadline: Deadline | None = None) -> Check:
        found = await self.adapter.check(deadline or ample(), self.token)
        self._check(found)
        return found

    async def look_up(self, order: Ordered, deadline: Deadline | None = None) -> LookUp:
        found = await self.adapter.look_up(order, self.attempt, deadline or ample(), self.token)
        self._check(found)
        return found

    async def read(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline | None = None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """A page of the provider's books."""
        found = await self.adapter.read_books(shelf, since, page, deadline or ample(), self.token)
        self._check(found)
        return found

    async def poll(self, order: Ordered, deadline: Deadline | None = None) -> Outcome:
        return self._checked(await self.adapter.poll(order, deadline or ample(), self.token))

    async def ready_for(self, step: Step, order: Ordered) -> Ordered:
        """Bring an order to where ``step`` is next, under a new attempt."""
        if step is Step.CANCEL:
            order = await self.bought(order)
        elif step is not Step.PLACE:
            order = after(order, await self.sure(Step.PLACE, order))
        self.begin(step, order)
        return order

    def begin(self, step: Step, order: Ordered) -> None:
        """A new attempt, with what the adapter wants kept of it."""
        new = an_attempt(step)
        self.attempt = replace(new, request=self.adapter.request(order, step, new.reference))

    async def bought(self, order: Ordered) -> Ordered:
        """Buy an order that nothing goes wrong with."""
        order = await self.ready_for(self.committing, order)
        return after(order, await self.sure(self.committing, order))

    async def sure(self, step: Step, order: Ordered) -> Confirmed:
        if self.attempt.step is not step:
            self.begin(step, order)
        outcome = await self.call(step, order)
        assert isinstance(outcome, Confirmed), outcome
        return outcome

    def is_bought(self, order: Ordered) -> bool:
        """Whether the sandbox's books hold a live order for any of our references."""
        refs = {order.order_id.hex, *(line.line_ref for line in order.lines)}
        return any(row.ref in refs for row in self.sandbox.live_orders(self.name))

    def hits(self, step: Step) -> int:
        return self.sandbox.hits(self.name, self.operations[step])

    def _checked(self, outcome: Outcome) -> Outcome:
        self._check(outcome)
        return outcome

    def _check(self, outcome: LookUp | Check | BookPage) -> None:
        shown = f"{outcome!r} {outcome.evidence}"
        assert not [secret for secret in self.secrets if secret in shown]
