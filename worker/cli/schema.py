"""``orderline schema``."""

from typing import Annotated

import typer

from schemas import contract
from worker.cli.output import print_json


def schema(
    message: Annotated[
        str, typer.Argument(help="Which message, or which kind of it (intent.gifthub).")
    ] = "intent",
) -> None:
    """Print the JSON Schema of what a producer says (intent, cancel) or is told (notification).

    Example: orderline schema notification > notification.schema.json
    """
    known = contract.documents()
    if message not in known:
        raise typer.BadParameter(f"There is {', '.join(known)}.")
    print_json(known[message])
