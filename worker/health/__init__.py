"""Whether an installation is well: what is looked at, and what each value means.

    finding     ok, warn or FAIL, with what to do
    setup       settings, accounts and keys
    database    PostgreSQL itself: version, schema, clock, durability
    broker      Redis itself: version, eviction, persistence, role
    progress    whether due work moves: what ``health`` is about
    pulses      whether the workers of this host move
    work        what waits for somebody

Every judgement is a pure function from a value to a ``Finding``; reading the values is apart, so
that an unsafe one can be judged without running a server that has it. Only ``cli`` imports this.
"""
