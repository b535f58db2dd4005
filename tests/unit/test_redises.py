"""Where Redis is, by one URL: as we spell it, and as Celery does."""

import pytest

from worker.redises import database_of, for_celery, sentinels_of

REASONS = r"master|host|[Pp]ort|invalid literal"
URL = "sentinel://worker:p%40ss@one.example:26380,two.example/3?master=orders&sentinel_password=s"


def test_a_plain_url_is_passed_on() -> None:
    assert for_celery("redis://:p@h:6379/2") == ("redis://:p@h:6379/2", {})
    assert sentinels_of("rediss://h") is None
    assert (database_of("redis://h/2"), database_of("redis://h"), database_of(URL)) == (2, 0, 3)


def test_sentinels_are_read() -> None:
    found = sentinels_of(URL)
    assert found is not None
    assert found.hosts == [("one.example", 26380), ("two.example", 26379)]
    assert (found.master, found.database) == ("orders", 3)
    assert found.login == {"username": "worker", "password": "p@ss"}
    assert found.sentinel_login == {"password": "s"}
    assert "p@ss" not in repr(found)


def test_celery_is_told_in_its_own_words() -> None:
    url, options = for_celery(URL)
    assert url == (
        "sentinel://worker:p%40ss@one.example:26380/3;sentinel://worker:p%40ss@two.example:26379/3"
    )
    assert options["master_name"] == "orders"
    assert options["sentinel_kwargs"]["password"] == "s"


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://h:26379/0",
        "sentinel://:26379/0?master=m",
        "sentinel://h:port/0?master=m",
        "sentinel://h/zero?master=m",
        "sentinel://h/0?master=m&unknown=1",
    ],
)
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=REASONS):
        sentinels_of(url)
