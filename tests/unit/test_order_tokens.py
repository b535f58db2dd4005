"""Order tokens: ours are known, whatever else anybody makes up is not."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import OrderId
from worker.crypto import Vault
from worker.order_tokens import CallbackUrls, OrderTokens

OLD, NEW = Vault.new_key(), Vault.new_key()
TOKENS = OrderTokens([OLD])
ACCOUNTS = ("default", "second")
ORDER = OrderId(UUID("01a204c6-943c-7473-b3d8-5a84f8161a7b"))

ids = st.uuids().map(OrderId)
names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)


@given(order_id=ids, provider=names, account=names)
def test_what_was_issued_is_read(order_id: OrderId, provider: str, account: str) -> None:
    token = TOKENS.issue(provider, account, order_id)
    assert TOKENS.read(provider, [*ACCOUNTS, account], token) == (account, order_id)
    assert TOKENS.issue(provider, account, order_id) == token


@given(token=st.text() | st.from_regex(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{43}", fullmatch=True))
def test_nothing_made_up_is_read(token: str) -> None:
    assert TOKENS.read("gifthub", ACCOUNTS, token) is None


@given(at=st.integers(0, 75), other=st.characters())
def test_nothing_altered_is_read(at: int, other: str) -> None:
    token = TOKENS.issue("gifthub", "default", ORDER)
    altered = token[:at] + other + token[at + 1 :]
    if altered != token:
        assert TOKENS.read("gifthub", ACCOUNTS, altered) is None
    assert TOKENS.read("gifthub", ACCOUNTS, token[:at]) is None
    assert TOKENS.read("gifthub", ACCOUNTS, token + other) is None


@given(order_id=ids)
def test_a_token_is_of_one_provider_one_account_and_one_order(order_id: OrderId) -> None:
    token = TOKENS.issue("gifthub", "default", order_id)
    assert TOKENS.read("hyperteknoloji", ACCOUNTS, token) is None
    assert TOKENS.read("gifthub", ["second"], token) is None
    proof = token.partition(".")[2]
    assert TOKENS.read("gifthub", ACCOUNTS, f"{ORDER.hex}.{proof}") is None or order_id == ORDER


def test_names_that_run_together_are_not_confused() -> None:
    assert TOKENS.issue("ab", "c", ORDER) != TOKENS.issue("a", "bc", ORDER)


def test_the_first_key_issues_and_every_key_is_known() -> None:
    both = OrderTokens([NEW, OLD])
    given_out = TOKENS.issue("gifthub", "default", ORDER)
    assert both.issue("gifthub", "default", ORDER) != given_out
    assert both.read("gifthub", ACCOUNTS, given_out) == ("default", ORDER)
    assert OrderTokens([NEW]).read("gifthub", ACCOUNTS, given_out) is None


def test_a_token_is_no_sealed_value_and_its_key_not_the_vaults() -> None:
    """One purpose, one key: what is derived for tokens opens nothing."""
    token = TOKENS.issue("gifthub", "default", ORDER)
    assert OLD not in token
    assert OLD.encode() not in b"".join(TOKENS._keys)


def test_a_url_is_below_where_the_gateway_is_reached() -> None:
    for base in ("https://orders.example/gw", "https://orders.example/gw/"):
        url = CallbackUrls(base, TOKENS, "gifthub", "default").url_of(ORDER)
        token = TOKENS.issue("gifthub", "default", ORDER)
        assert url == f"https://orders.example/gw/callbacks/gifthub/{token}"
