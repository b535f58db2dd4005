"""Which hosts a producer's intents may name."""

import pytest

from schemas.intents.hosts import is_among, is_host_pattern

OWN = "https://hooks.shop.example/orders"
HOSTS = ["other.example", "*.shop.test"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.shop.example/elsewhere?key=1",
        "https://HOOKS.shop.example:8443/",
        "https://other.example/",
        "https://eu.shop.test/",
        "https://a.b.shop.test/",
    ],
)
def test_the_own_host_and_those_that_were_named_are_among_them(url: str) -> None:
    assert is_among(url, HOSTS, OWN)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/",
        "https://x.hooks.shop.example/",
        "https://hooks.shop.example.evil.example/",
        "https://www.other.example/",
        "https://shop.test/",
        "https://evilshop.test/",
        "https://.shop.test/",
        "https://evil.example%2f.shop.test/",
        "https://evil.example#.shop.test/",
        "https://evil.example?.shop.test/",
        "https://[::1]/",
        "https://127.0.0.1/",
    ],
)
def test_no_other_host_is(url: str) -> None:
    assert not is_among(url, HOSTS, OWN)
    assert not is_among(url, [], OWN)


@pytest.mark.parametrize("pattern", ["shop.example", "localhost", "*.shop.example", "127.0.0.1"])
def test_a_host_is_written_like_this(pattern: str) -> None:
    assert is_host_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*",
        "*.",
        "*.example",
        "a.*.example",
        "Shop.example",
        "shop.example:443",
        "*shop.example",
        "https://shop.example",
        "shop..example",
        "-shop.example",
        "mağaza.example",
        "a." * 127 + "a",
    ],
)
def test_and_not_like_that(pattern: str) -> None:
    assert not is_host_pattern(pattern)
