"""Which URLs may be notified, as far as a URL alone can tell."""

import pytest

from schemas.intents.urls import is_among, is_host_pattern, is_secure

LOCAL = frozenset({"localhost", "127.0.0.1:8000"})


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks/orders",
        "https://shop.example:8443/h?token=1#there",
        "HTTPS://SHOP.EXAMPLE",
        "https://[2001:db8::1]/hooks",
        "https://xn--maaza-m2a.example/",
    ],
)
def test_https_to_a_named_host_is_secure(url: str) -> None:
    assert is_secure(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example",
        "http://shop.example",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://",
        "https:///hooks",
        "https://:443/hooks",
        "https://user@shop.example/",
        "https://user:word@shop.example/",
        "https://@shop.example/",
        "https://shop.example:99999/",
        "https://shop.example:0/",
        "https://shop.example:port/",
        "https://[::1",
        "https://shop.example/a b",
        " https://shop.example/",
        "https://shop.example/\n",
        "https://shop\t.example/",
        "https://shop.example\\@evil.example/",
        "https://mağaza.example/",
    ],
)
def test_everything_else_is_not(url: str) -> None:
    assert not is_secure(url)
    assert not is_secure(url, LOCAL)


@pytest.mark.parametrize(
    "url", ["http://localhost/", "http://LOCALHOST:9999/x", "http://127.0.0.1:8000/x"]
)
def test_a_development_host_may_be_spoken_to_without_tls(url: str) -> None:
    assert is_secure(url, LOCAL)
    assert not is_secure(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8001/",
        "http://127.0.0.1/",
        "http://localhost.evil.example/",
        "http://evil.example/localhost",
        "http://localhost@evil.example/",
        "ftp://localhost/",
    ],
)
def test_only_that_host_and_that_port_may(url: str) -> None:
    assert not is_secure(url, LOCAL)


# --- hosts that a producer's intents may name --------------------------------------------------

OWN = "https://hooks.shop.example/orders"
HOSTS = ["other.example", "*.shop.test"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.shop.example/elsewhere?key=1",
        "https://HOOKS.shop.example:8443/",
        "https://hooks.shop.example./",
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
