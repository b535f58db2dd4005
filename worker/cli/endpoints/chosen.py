"""Finding the one endpoint that a person means."""

from typing import Annotated

import typer

from schemas.endpoints import EndpointView
from worker.cli.named import only
from worker.store.session import Database
from worker.store.views_endpoints import find_endpoints

Url = Annotated[str, typer.Argument(metavar="URL", help="The endpoint's URL, or its beginning.")]
Producer = Annotated[str | None, typer.Option(help="Whose, where several have it.")]


async def find_endpoint(db: Database, name: str, producer: str | None) -> EndpointView:
    """The endpoint of that name. Raises ``NotFound``, ``Ambiguous``."""
    return only(
        await find_endpoints(db, name, producer),
        name,
        several="endpoints (add --producer where only that differs)",
        nothing=f"There is no endpoint {name!r}; `orderline endpoints` shows those there are.",
        told=lambda each: f"{each.url}  of {each.producer}, {each.state}",
    )
