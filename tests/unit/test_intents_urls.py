"""Which URLs may be notified, as far as a URL alone can tell; the long table is ``delivery``'s."""

import pytest

from schemas.intents.urls import check_url, is_absolute

LOCAL = frozenset({"localhost", "127.0.0.1:8000"})


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks/orders",
        "https://shop.example:8443/h?token=1",
        "HTTPS://SHOP.EXAMPLE",
        "https://xn--maaza-m2a.example/",
    ],
)
def test_https_to_a_named_host_is_allowed(url: str) -> None:
    assert check_url(url) is None
    assert is_absolute(url)


@pytest.mark.parametrize(
    "url", ["http://localhost/", "http://LOCALHOST:9999/x", "http://127.0.0.1:8000/x"]
)
def test_a_development_host_may_be_spoken_to_without_tls(url: str) -> None:
    assert check_url(url, LOCAL) is None
    assert check_url(url) is not None


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
    assert check_url(url, LOCAL) is not None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://",
        "https:///hooks",
        "https://:443/hooks",
        "https://user@shop.example/",
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
def test_what_is_no_absolute_url_is_neither(url: str) -> None:
    assert not is_absolute(url)
    assert check_url(url) is not None
