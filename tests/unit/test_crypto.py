import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.crypto import SealBroken, Vault
from worker.errors import SettingsError

OLD, NEW = Vault.new_key(), Vault.new_key()


@given(st.binary())
def test_what_is_sealed_can_be_opened_and_cannot_be_read(plain: bytes) -> None:
    sealed = Vault([NEW]).seal(plain)
    assert Vault([NEW]).unseal(sealed) == plain
    assert len(plain) < 4 or plain not in sealed


def test_a_key_is_changed_by_adding_one_in_front() -> None:
    before = Vault([OLD]).seal(b"code")
    both = Vault([NEW, OLD])
    assert both.unseal(before) == b"code"
    assert Vault([NEW]).unseal(both.seal(b"code")) == b"code"


def test_without_its_key_a_sealed_value_says_what_to_do() -> None:
    sealed = Vault([OLD]).seal(b"code")
    with pytest.raises(SealBroken, match="Put the old key back") as caught:
        Vault([NEW]).unseal(sealed)
    assert OLD not in str(caught.value)
    assert NEW not in str(caught.value)


def test_an_altered_value_is_not_opened() -> None:
    sealed = bytearray(Vault([NEW]).seal(b"code"))
    sealed[-5] ^= 1
    with pytest.raises(SealBroken):
        Vault([NEW]).unseal(bytes(sealed))


@pytest.mark.parametrize("broken", ["hunter2", "A" * 42 + "=", "schlüssel" * 5])
def test_a_malformed_key_is_named_by_its_place_and_never_shown(broken: str) -> None:
    with pytest.raises(SettingsError, match="Encryption key 2") as caught:
        Vault([NEW, broken])
    assert broken not in str(caught.value)


def test_a_vault_without_a_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="no encryption key"):
        Vault([])


def test_no_repr_shows_a_key() -> None:
    assert NEW not in repr(Vault([NEW]))
