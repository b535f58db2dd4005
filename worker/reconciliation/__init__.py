"""Our books beside the providers': one run over one account, from reading to dealing with it.

    run        starts a run, or goes on with one that was left, and sees it through
    reading    reads their books page by page, within the account's rate
    comparing  holds our orders beside them, batch by batch
    handling   does about each difference what its rule says

Lives here: what takes many steps and commits. May not: what differs and what follows from it
(``decisions``), what is written (``store``).
"""

from worker.reconciliation.run import Progress, reconcile, start

__all__ = ["Progress", "reconcile", "start"]
