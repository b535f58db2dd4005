"""The demonstration: a whole Orderline against the sandbox, with everything going wrong.

    asks        intent bodies, one function a provider
    stories     what each product does, and what must become of its order
    scenario    what is submitted, and when
    receiver    the producers' side: takes webhooks and verifies them by the public library
    stage       starts it all, submits, makes trouble, waits
    books       what our own database says at the end
    leaks       looks for secrets where they must not be
    verdict     holds the books, the remotes' and the receivers' against each other
    example     two intents to play with
    installing  a migrated database, and the producers in it
    crew        the processes it runs on, watched
    ground      whether servers that were given to it may be used

Only ``cli`` and the tests import it.
"""
