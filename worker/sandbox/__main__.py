"""``python -m worker.sandbox``: the simulated remotes on fixed ports, until interrupted."""

import argparse
import asyncio
import logging
from contextlib import suppress

from worker.sandbox import SandboxSettings, run


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m worker.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8800, help="remotes take the ports after it")
    parser.add_argument("--seed", type=int, default=0, help="of the random faults")
    parser.add_argument(
        "--fault-rate", type=float, default=0.0, help="probability per call, 0 to 1"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every call")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = SandboxSettings(fault_rate=given.fault_rate, latency=given.latency)
    with suppress(KeyboardInterrupt):
        asyncio.run(run(given.host, given.port, settings, seed=given.seed))


if __name__ == "__main__":
    main()
