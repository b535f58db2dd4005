"""What is *said*: messages that cross Orderline's border, as frozen pydantic models.

A line belongs here when another program needs it to talk to us, or we need it to read
our own queue. No table, no setting, no I/O.
"""
