"""Chaos: break everything under load, on a seeded schedule, and audit what became of every order.

    schedule    what goes wrong, and when: a pure function of the seed
    products    what is ordered
    plan        what is submitted, in which order: a pure function of the seed, too
    works       what it is made on: servers of our own, remotes, receivers, workers and beat
    line        the way to a server, which can be cut or become a black hole
    forwarder   the way of callbacks to their stream: twice, late, out of order
    receiving   receivers that now and then refuse a notification once
    pausing     holding back whoever puts something on a stream
    submitting  the producers: until acknowledged, no faster than it is worked off
    troubles    makes the troubles of a schedule
    run         a run: all of that together, until quiet
    books       our database, in short while it runs and in full at the end
    evidence    what an audit is made from, as plain values
    audit       each promise, held against evidence; pure
    verdict     the audit, counted
    stories     the whole stories of what the verdict complains of

The evidence comes from three sides that know nothing of each other: our rows, the remotes' own
books, and what receivers verified. Only ``cli`` and the tests import it.
"""
