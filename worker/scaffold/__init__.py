"""Writing a new provider: every file of it at once, complete, tested and green.

``python -m worker.scaffold NAME`` in a checkout, which is what ``make provider`` does. What is
written is a plain REST provider that exists nowhere; whoever adds a real one replaces it piece by
piece and has the tests to lean on all the while.
"""
