"""``orderline up``: the command; ``playground`` does what it says."""

from typing import Annotated

import typer

from worker.cli.local import needing_extra


def up(
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65_000, help="The sandbox's port; 8800 if it is free. 0: any free one."
        ),
    ] = None,
) -> None:
    """Run everything on this machine, to play with, until Ctrl-C; the data is kept.

    Servers, simulated providers, a worker, beat, and a producer `demo` whose notifications are
    printed as they come. Keeps what it needs in .orderline/ of the working directory, and says
    there how other terminals reach it.

    Example: orderline up
    """
    with needing_extra():
        from worker.cli.playground import run  # noqa: PLC0415 -- parts of it come with an extra
    run(port)
