"""The verbs that a provider does not have. May not know any one provider."""

from datetime import datetime
from typing import ClassVar, Generic, NoReturn, TypeVar

from schemas.intents import Intent
from worker.books import BookPage
from worker.capabilities import CallsBack, Capabilities
from worker.http import Channel, Deadline
from worker.lifecycle import Step
from worker.order import Attempted, Ordered
from worker.outcome import InDoubt, LookUp, NotSent, Outcome, Refused
from worker.provider import Account, Token

AnyAccount = TypeVar("AnyAccount", bound=Account)


class Adapter(Generic[AnyAccount]):
    """What adapters derive from: an account, its channel, and a no to every verb but the usual.

    ``place``, ``poll`` and ``check`` are every adapter's own.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    calls_back: ClassVar[CallsBack | None] = None
    account_model: ClassVar[type[Account]]

    def __init__(self, account: AnyAccount, channel: Channel) -> None:
        self.account = account
        self.channel = channel

    @property
    def token_owner(self) -> str | None:
        """Nobody: the account shares its token with no other."""
        return None

    def capabilities_for(self, intent: Intent) -> Capabilities:
        """The same for every intent."""
        del intent
        return self.capabilities

    def request(self, order: Ordered, step: Step, reference: str) -> bytes | None:
        """Nothing is kept, because nothing is sent again as it was."""
        del order, step, reference
        return None

    def shelf(self, order: Ordered) -> str | None:
        """None: the capabilities name no shelves."""
        del order
        return None

    async def read_books(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline, token: str | None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """Not to be called where the capabilities say that there are no books to read."""
        del shelf, since, page, deadline, token
        _no_verb("read_books")

    @staticmethod
    def mentioned(callback: bytes) -> frozenset[str]:
        """None: this provider does not call back."""
        del callback
        return frozenset()

    async def login(self, deadline: Deadline) -> Token | Outcome:
        """Not to be called unless the capabilities need a token."""
        del deadline
        _no_verb("login")

    async def confirm(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Not to be called unless the capabilities name a second phase."""
        del order, attempt, deadline, token
        _no_verb("confirm")

    async def cancel(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Not to be called unless the capabilities say that orders can be called off."""
        del order, attempt, deadline, token
        _no_verb("cancel")

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Not to be called where no doubt is settled by a look-up."""
        del order, attempt, deadline, token
        _no_verb("look_up")


def _no_verb(verb: str) -> NoReturn:
    raise NotImplementedError(f"the capabilities say that there is nothing to {verb}")
