"""The benchmark: one job, several systems, one machine, one run (``python -m tests.bench --help``).

job         the job that all do: an intent, its provider call, its webhooks
remote      the process that plays provider and producers; its books say what arrived
ground      PostgreSQL, Redis and the remote, started for a run
machine     CPU and memory of processes, from /proc
systems/    those that are measured, one a file
measuring   one drain, and one steady load
figures     what came of them: medians, percentiles, exactness
compare     rounds of all systems, interleaved
growth      what grows with workers, rows and orders in flight
profile     where Orderline's CPU goes
report      tables, JSON and plots
"""
