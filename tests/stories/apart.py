"""``python -m tests.stories.apart``: the sandbox in a process of its own, until its input ends.

Says in one line of JSON where its control pages are, and what its accounts' settings are. A remote
is on another machine: where it may, this one goes before everybody else here, and it never stops to
look for cyclic garbage, so that its journal tells when it was called, not when it got round to it.
"""

import asyncio
import gc
import json
import os
import sys
from contextlib import suppress

from worker.sandbox import Sandbox, SandboxSettings


async def _serve() -> None:
    async with Sandbox(settings=SandboxSettings(callbacks=False)) as sandbox:
        said = {"control": sandbox.url(), "accounts": sandbox.account_settings()}
        print(json.dumps(said), flush=True)  # noqa: T201 -- how the test learns it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    gc.disable()
    with suppress(PermissionError):
        os.nice(-15)
    asyncio.run(_serve())
