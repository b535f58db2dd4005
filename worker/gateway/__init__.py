"""The gateway: providers' callbacks and producers' intents, from the network to the streams.

A process of its own, which may be many. It takes in and shows; it decides nothing and writes no
row. What it takes needs Redis only, so it goes on while the database is away. It also serves the
console (``worker.console``), in which people decide.

    app         the application, put together
    front       what every request passes: log line, time, headers, rate
    callbacks   what providers say by themselves
    intents     intents and wishes of producers that cannot reach Redis
    orders      how a producer's orders stand
    pages       is it alive; how it is to be used
    gate        what a process holds
    proofs      by what a callback shows that it is the provider's
    keys        the API keys of producers, known without asking for each
    crowds      how many orders of each producer are open, known likewise
    bodies      reading what is sent, not more than is allowed
    refusals    the one shape of every error
    openapi     the document
    serving     the process
"""
