"""*When and how often* it is done: Celery names, queues, bootsteps, schedule.

Touches no database and no provider; it only calls ``worker``.
"""
