"""What is *done*: decisions, state, providers, database. Does not know that Celery exists.

Everything here that waits is ``async``; the one bridge to Celery's threads is ``tasks.base``.
"""
