"""What people do with Orderline, whichever way they come: by the command or in the console.

Both find things by the same names, are told the same of what may be decided, and decide by the
same rules; the two ways differ in how it is asked and shown.

    naming      the one thing that a name means
    hand        who acts, by which way, and the record of it
    words       what people write: reasons, ids, names
    waiting     what waits for a person, with what may be decided
    resolving   saying what was found out about a parked or a surplus order
    retrying    taking an entry in quarantine in again
    advice      what to do about a difference between the books
    rests       pausing accounts and resuming them
    passwords   passwords of operators, and what is kept of them
"""
