"""How bells travel: kombu's Redis transport, without its care for what was not worked on.

A channel that closes wants to put such messages back. Bells need not be: a lost one is rung again
by the sweep. And where Redis has crashed, that attempt ends the whole worker: with kombu 5.7.0 by
an ``AttributeError``, since the connection is taken away before it is asked for its host.
"""

from kombu.transport import redis


class BellChannel(redis.Channel):
    """A channel that puts nothing back."""

    do_restore = False


class BellTransport(redis.Transport):
    """Redis, for bells."""

    Channel = BellChannel
