"""What a worker still knows of Celery's remote control."""

from celery.worker.control import Panel

from tasks.remote import HARMLESS, obey_nothing


def test_questions_are_answered_and_nothing_is_obeyed() -> None:
    before = dict(Panel.data)
    try:
        obey_nothing()
        known = {name for name, about in Panel.meta.items() if about.type == "control"}
        assert known & Panel.data.keys() == HARMLESS
        assert {"shutdown", "revoke", "cancel_consumer", "pool_grow"} <= before.keys() - Panel.data
        assert {"ping", "stats", "active_queues", "registered", "conf"} <= Panel.data.keys()
    finally:
        Panel.data.update(before)
