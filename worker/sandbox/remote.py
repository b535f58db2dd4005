"""What a simulated remote is: synchronous functions from a call to a reply.

A remote keeps its orders, tokens and balance in memory and knows nothing of sockets, faults or
waiting: ``wire`` does those to all remotes alike. What an order looks like *now* is computed
from its time stamps when somebody asks, so no remote needs a timer.
"""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from worker.sandbox.books import Row
from worker.sandbox.callbacks import Callback
from worker.sandbox.faults import Fault
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.tampering import Tampering

Json = dict[str, Any]
Send = Callable[[datetime, Callback], None]
"""Hands a callback over, to be sent when the remote's clock shows the given time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a remote sees it. ``body`` is ``None`` when it was not JSON.

    ``parts`` is what stood in the places of ``{name}`` in the operation's path.
    """

    operation: str
    now: datetime
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    raw: bytes = field(default=b"", repr=False)
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def tail(self) -> str:
        """What stood in the place of ``{id}``, or nothing."""
        return self.parts.get("id", "")

    @property
    def form(self) -> Mapping[str, str]:
        """The body as a form's fields; of equal ones the last."""
        return dict(parse_qsl(self.raw.decode(errors="replace"), keep_blank_values=True))

    @property
    def bearer(self) -> str:
        """The token in ``Authorization: Bearer``, or nothing."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a remote answers: JSON, or a bare text."""

    status: int
    body: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Documented:
    """A failure that the remote's documentation names for one operation.

    ``name`` is the documentation's own word for it, unique with its operation. The remote did
    nothing when it answers so, unless ``executes``.
    """

    operation: str
    name: str
    reply: Reply
    executes: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a remote can be asked for, at a path whose case is ignored.

    A whole step of the path may be ``{name}``, which is any text. ``when`` looks at the body: so
    operations that share a method and a path are told apart, the first that fits is meant.
    ``anonymous`` operations are open to callers the remote does not know.
    """

    name: str
    method: str
    path: str
    run: Callable[[Call], Reply]
    anonymous: bool = False
    when: Callable[[Any], bool] | None = None

    def fits(self, steps: Sequence[str], body: Any) -> Mapping[str, str] | None:
        """What stands in the places of its path; ``None`` where it is not what is asked for."""
        parts: dict[str, str] = {}
        for mine, step in zip(self.path.split("/"), steps, strict=True):
            if mine.startswith("{"):
                parts[mine.strip("{}")] = step
            elif mine.lower() != step.lower():
                return None
        return parts if self.when is None or self.when(body) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """A documented product that makes something happen.

    ``fault`` hits the operation ``on``, for the first ``times`` calls with the same reference,
    or always when ``times`` is 0. ``story`` is its documentation.
    """

    value: int | str
    story: str
    fault: Fault = Fault.NONE
    on: str = "create"
    times: int = 1


class Remote(ABC):
    """One simulated remote. Subclasses add operations; nothing here waits."""

    name: ClassVar[str]
    magic: ClassVar[Sequence[Magic]]
    documented: ClassVar[Sequence[Documented]] = ()
    """Every failure that its documentation lists: a row there is a row here."""

    def __init__(self, settings: SandboxSettings, send: Send, seed: int) -> None:
        self.settings = settings
        self.send = send
        self.seed = seed
        self._seen: Counter[tuple[str, str]] = Counter()
        self._operations: defaultdict[tuple[str, int], list[Operation]] = defaultdict(list)
        for operation in self.operations():
            self._operations[operation.method, operation.path.count("/")].append(operation)

    @abstractmethod
    def operations(self) -> Iterable[Operation]:
        """Everything it can be asked for."""

    @abstractmethod
    def account(self) -> dict[str, str]:
        """The settings of an account here, without its ``base_url``.

        ``{base_url}`` in a value stands for that, where an account names a second place.
        """

    @abstractmethod
    def rows(self, now: datetime) -> Iterator[Row]:
        """Every order line it holds, oldest first."""

    @abstractmethod
    def error(self, status: int, message: str) -> Reply:
        """A failure in its own envelope."""

    @abstractmethod
    def knows(self, call: Call) -> bool:
        """Whether the caller's credentials are good now."""

    @abstractmethod
    def turn_away(self, call: Call) -> Reply:
        """Kill the caller's token, if it has one, and say that the caller is not known."""

    @abstractmethod
    def touched(self, call: Call) -> Iterable[tuple[Magic, str]]:
        """The magic products a call is about, each with the reference its faults count by."""

    def tampering(self) -> Tampering[Any] | None:
        """Its books, open to be changed by other hands; ``None`` where no caller can read them."""
        return None

    def find(
        self, method: str, path: str, body: Any = None
    ) -> tuple[Operation | None, Mapping[str, str]]:
        """The operation that is asked for, and what stood in the places of its path."""
        for operation in self._operations.get((method, path.count("/")), ()):
            parts = operation.fits(path.split("/"), body)
            if parts is not None:
                return operation, parts
        return None, {}

    def execute(self, operation: Operation | None, call: Call) -> Reply:
        """Act on a call, for callers it knows."""
        if operation is None:
            return self.error(404, "Not found")
        if not operation.anonymous and not self.knows(call):
            return self.turn_away(call)
        return operation.run(call)

    def fault(self, call: Call) -> Fault:
        """The fault that the products of this call ask for, if its caller is known."""
        if not self.knows(call):
            return Fault.NONE
        for magic, ref in self.touched(call):
            if magic.fault is Fault.NONE or magic.on != call.operation:
                continue
            key = (str(magic.value), ref)
            if not magic.times or self._seen[key] < magic.times:
                self._seen[key] += 1
                return magic.fault
        return Fault.NONE
