"""``python -m tests.stories.apart``: the sandbox in a process of its own, until its input ends.

Says in one line of JSON where its control pages are, and what its accounts' settings are.
"""

import asyncio
import json
import sys

from worker.sandbox import Sandbox, SandboxSettings


async def _serve() -> None:
    async with Sandbox(settings=SandboxSettings(callbacks=False)) as sandbox:
        said = {"control": sandbox.url(), "accounts": sandbox.account_settings()}
        print(json.dumps(said), flush=True)  # noqa: T201 -- how the test learns it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
