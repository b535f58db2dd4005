"""From an order and an outcome to a change. Pure: the same values give the same decision.

    rules      what every decision stands on: capabilities, policy, the time a call needs
    decider    one method for each thing that can have happened to a claimed order
    doubts     what follows from an unknown outcome, and from looking it up
    cancels    what follows from a wish to call an order off
    charges    what was charged, held against what an order may cost
    differences   what differs between our books and a provider's, and the rule for each
    disputes   what follows when the provider is asked about an order of which its books differ

What providers differ in comes in as ``Capabilities``; when to try again comes from ``Policy``;
chance is an argument. Nothing here reads a clock, a setting or a row.
"""

from worker.decisions.decider import Decider

__all__ = ["Decider"]
