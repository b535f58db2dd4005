"""The console: how everything stands, in a browser, and what people decide about it.

Pages made here, on the server; everything can be read and decided without a script. What people
do goes by the rules and records of ``worker.operating``, as by the command.

    app         the application that the gateway mounts at ``/ops``
    routes      a route's declaration: its way, its path, who may take it
    guard       what every request passes: who is it, may they, was it meant
    visit       one request, and what its page is made of
    held        what a process holds
    sessions    the cookie and the token behind it
    tries       how many tries to sign in are let through
    forms       what a browser sends
    render      templates and how values stand in them
    refusals    pages that say no
    wording     how values stand in a line
    timeline    an order's story as moments, one after the other
    pages/      the pages, one module a subject
"""
