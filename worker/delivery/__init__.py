"""How a notification leaves the house: signed, past the guard, in one POST.

Nothing here knows a database, a schedule or a setting; ``worker.steps`` decides when.
"""
