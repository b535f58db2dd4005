"""Simulated remotes over real HTTP, to develop, demonstrate, measure and break things against.

Written from the providers' documentation alone: nothing of Orderline is imported here, so the
sandbox is a second witness of what a provider does, not an echo of our adapters. What ordering
a given product does is documented by ``magic_values`` and at ``GET /_sandbox/magic``.
"""

from worker.sandbox.faults import Fault, Faults
from worker.sandbox.remotes import magic_values
from worker.sandbox.server import Outage, Sandbox, run
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.tampering import Change

__all__ = [
    "Change",
    "Fault",
    "Faults",
    "Outage",
    "Sandbox",
    "SandboxSettings",
    "magic_values",
    "run",
]
