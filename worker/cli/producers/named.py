"""What the commands about producers share: their options, checked, and that a change is logged."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError

from schemas.intents.envelope import Producer as ProducerName
from schemas.intents.hosts import is_host_pattern
from schemas.intents.urls import check_url
from worker.logs import get_logger
from worker.settings import load_settings
from worker.streams import UNNAMED

log = get_logger(__name__)

SHOWN_ONCE: Final = "The secret is shown only now. The producer verifies its webhooks with it."

_NAME: Final[TypeAdapter[str]] = TypeAdapter(ProducerName)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The producer's name.")]

NotifyHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--notify-host",
        metavar="HOST",
        help="Another host that its intents may name: shop.example, or *.shop.example for all"
        " below it. Several may be given.",
    ),
]


MaxOpen = Annotated[
    int | None,
    typer.Option(
        "--max-open",
        metavar="N",
        min=0,
        max=2**31 - 1,
        help="How many of its orders may be open at once; what goes beyond is set aside."
        " 0: as ORDERLINE_OPEN_PER_PRODUCER says.",
    ),
]


def check_name(name: str) -> None:
    """A name that can be the last part of a stream's key."""
    try:
        _NAME.validate_python(name)
    except ValidationError:
        raise typer.BadParameter(
            "a producer's name is 1 to 63 characters: a-z, 0-9 and -, the first one no -"
        ) from None
    if name == UNNAMED:
        raise typer.BadParameter(f"{UNNAMED!r} is kept for intents that name no producer")


def check_notify_url(url: str) -> None:
    """A URL that a webhook may be sent to, as far as its text tells."""
    refused = check_url(url, load_settings().development_host_set)
    if refused is not None:
        raise typer.BadParameter(
            f"{refused}. A host for development is named in ORDERLINE_DEVELOPMENT_HOSTS.",
            param_hint="--notify-url",
        )


def read_hosts(hosts: Sequence[str]) -> list[str]:
    """Hosts as they are compared: in lower case, each once."""
    lowered = list(dict.fromkeys(host.lower() for host in hosts))
    for host in lowered:
        if not is_host_pattern(host):
            raise typer.BadParameter(
                f"{host!r} is neither a host (shop.example) nor all below one (*.shop.example); no"
                " https://, no port, other letters than a-z as xn--",
                param_hint="--notify-host",
            )
    return lowered


def note(producer: str, what: str) -> None:
    """Log that a producer was changed, without what is secret of it."""
    log.warning("producer_changed", producer=producer, reason=what)
