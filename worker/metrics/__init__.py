"""What can be counted and measured here, and how it is told to Prometheus.

    families     every metric there is, as data: name, kind, labels, what it means
    standing     those of them that the gateway reads from the database and Redis
    instruments  what counts: no locks, since only the process's own loop counts
    meters       what a worker process sees
    requests     what a gateway process sees
    exposing     all of it as text
    serving      a worker's own small port for that

A label's value is a word of ours or the name of a configured account. Nothing that a producer, a
provider or a receiver said ever is one.
"""
