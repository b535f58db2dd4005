"""The demonstration: a whole Orderline against the sandbox, with everything going wrong.

    scenario    the intents it submits, and what must become of each
    receiver    the producers' side: takes webhooks and verifies them by the public library
    stage       starts it all, submits, makes trouble, waits
    verdict     counts what happened, in our books, the remotes' and the receivers'

Only ``cli`` and the tests import it.
"""
