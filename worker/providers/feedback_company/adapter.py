"""The Feedback Company's verbs: sends and classifies, keeps nothing, decides nothing."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import ClassVar, Final

from schemas.intents import Intent
from worker.capabilities import Capabilities, Doubt, Polling
from worker.http import Deadline, Reply
from worker.lifecycle import Step
from worker.order import Attempted, Ordered
from worker.outcome import Check, InDoubt, NotSent, Outcome
from worker.provider import Account, Token
from worker.providers.account import HeaderSecret, HttpUrl, StrictAccount
from worker.providers.base import Adapter
from worker.providers.feedback_company import tokens, wire
from worker.providers.reading import known_by

_JSON: Final = "application/json; charset=utf-8"
"""What the provider's own plugin sends."""


class FeedbackCompanyAccount(StrictAccount):
    """One client of the provider: a shop's id and secret.

    A new token of a client kills its earlier ones, wherever they are used. So another
    environment needs a client of its own.
    """

    base_url: HttpUrl = "https://www.feedbackcompany.com"
    """The only host with a v2 API that is known; with ``www``, lest it redirect."""
    client_id: HeaderSecret
    client_secret: HeaderSecret
    resend_once: bool = False
    """Whether an order of unknown outcome is sent once more, as it was, before a person is asked.

    That a repeated order is refused is assumed (its id must be unique; what happens to one that
    is not, is undocumented). At worst the customer gets a second e-mail, so try it first.
    """


class FeedbackCompany(Adapter[FeedbackCompanyAccount]):
    """One client. Creating an order invites its customer, and that is all there is to it.

    Nothing is confirmed, called off or asked about, and no order can be looked up by our id:
    hence ``NONE``.
    """

    name: ClassVar[str] = "feedback_company"
    capabilities: ClassVar[Capabilities] = Capabilities(
        after_place=Doubt.NONE,
        polls=Polling.NONE,
        needs_token=True,
        login_rest=timedelta(minutes=30),  # as the provider's own plugin does
    )
    account_model: ClassVar[type[Account]] = FeedbackCompanyAccount

    @property
    def token_owner(self) -> str:
        """The client: every account that has its id lives on the same token."""
        return sha256(self.account.client_id.get_secret_value().encode()).hexdigest()

    def capabilities_for(self, intent: Intent) -> Capabilities:
        """Doubt is a person's, unless the account would rather risk a second e-mail."""
        del intent
        if self.account.resend_once:
            return replace(self.capabilities, after_place=Doubt.RESEND, repeats=1)
        return self.capabilities

    def request(self, order: Ordered, step: Step, reference: str) -> bytes | None:
        """The order as it is sent, where it may be sent again."""
        del reference  # the provider sees the order's id only
        again = self.account.resend_once and step is Step.PLACE
        return wire.create_body(order) if again else None

    async def login(self, deadline: Deadline) -> Token | Outcome:
        """Get a new token, which kills all earlier ones. Its failures are all ``NotSent``."""
        client = tokens.Client(self.account.client_id, self.account.client_secret)
        reply = await self.channel.send("GET", client.path, deadline=deadline, commits=False)
        if isinstance(reply, Reply):
            return tokens.read_token(reply, client)
        return NotSent(f"login_{reply.reason}", evidence=reply.evidence)

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Create the order, which sends its invitation in time."""
        content = attempt.request or wire.create_body(order)
        reply = await self._send("POST", "/api/v2/orders", deadline, token, content)
        if isinstance(reply, Reply):
            return wire.read_created(reply, order)
        return known_by(wire.reference(order), reply)

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Not to be called: an order that is placed has ended, line by line."""
        del order, deadline, token
        raise NotImplementedError("an order has ended here once it is placed")

    async def check(self, deadline: Deadline, token: str | None) -> Check:
        """Ask for the shop that the client belongs to."""
        reply = await self._send("GET", "/api/v2/shop", deadline, token)
        return wire.read_shop(reply) if isinstance(reply, Reply) else reply

    async def _send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        token: str | None,
        content: bytes | None = None,
    ) -> Reply | NotSent | InDoubt:
        if token is None:
            return NotSent("no_token", token_rejected=True)
        headers = {"authorization": f"Bearer {token}"}
        if content is not None:
            headers["content-type"] = _JSON
        return await self.channel.send(
            method,
            path,
            deadline=deadline,
            commits=content is not None,
            headers=headers,
            content=content,
        )
