"""Lean Celery: what an expert would make of it in a day.

Gevent, two processes of 250 greenlets; plain SQL over a psycopg pool, one statement and one
commit a step, all deliveries of an order in one; urllib3 for HTTP. Gossip, mingle and heartbeats
are off.
"""

from typing import ClassVar

from tests.bench.systems.celery_plain import CeleryPeer


class GeventLean(CeleryPeer):
    """Two processes."""

    name = "celery-lean"
    says = "lean Celery, gevent, 2 processes of 250 greenlets, psycopg, urllib3"
    guess: ClassVar = {0.005: 190.0, 0.2: 190.0}
    app = "tests.bench.systems.celery_lean_app"
    workers = 2
    options = (
        *("--pool", "gevent", "--concurrency", "250"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
