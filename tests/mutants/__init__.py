"""Whether the tests notice when what must not be wrong is made wrong, line by line.

``make mutants`` changes a copy of Orderline in ``build/mutants``, one small thing at a time, and
runs the tests that stand for it. A change that no test notices has survived. ``docs/mutants.md``
has the last scores, and says of each survivor why it may live.
"""
