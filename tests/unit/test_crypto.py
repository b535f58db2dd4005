import base64
from hashlib import sha256

import pytest
from cryptography.fernet import Fernet
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


@pytest.mark.parametrize("place", [-5, 3, 8, 9])
def test_an_altered_value_is_not_opened(place: int) -> None:
    sealed = bytearray(Vault([NEW]).seal(b"code"))
    sealed[place] ^= 1
    with pytest.raises(SealBroken):
        Vault([NEW]).unseal(bytes(sealed))


# --- ids of keys ---------------------------------------------------------------------------------


def id_of(key: str) -> str:
    return sha256(base64.urlsafe_b64decode(key)).hexdigest()[:8]


def test_what_is_sealed_names_its_key_and_says_nothing_of_it() -> None:
    sealed = Vault([NEW, OLD]).seal(b"code")
    named, _, token = sealed.partition(b".")
    assert named.decode() == id_of(NEW) == Vault([NEW, OLD]).key_ids[0]
    assert Fernet(NEW).decrypt(token) == b"code"
    assert id_of(NEW) not in NEW


def test_what_was_sealed_before_there_were_ids_is_opened_by_any_key() -> None:
    assert Vault([NEW, OLD]).unseal(Fernet(OLD).encrypt(b"code")) == b"code"
    with pytest.raises(SealBroken, match="Put the old key back"):
        Vault([NEW]).unseal(Fernet(OLD).encrypt(b"code"))


def test_a_missing_key_is_named_by_its_id() -> None:
    with pytest.raises(SealBroken, match=f"key {id_of(OLD)} is missing"):
        Vault([NEW]).unseal(Vault([OLD]).seal(b"code"))


def test_another_keys_id_opens_nothing() -> None:
    token = Fernet(OLD).encrypt(b"code")
    with pytest.raises(SealBroken, match="altered"):
        Vault([NEW, OLD]).unseal(id_of(NEW).encode() + b"." + token)


def test_a_key_that_is_named_twice_is_one() -> None:
    assert Vault([NEW, OLD, NEW]).key_ids == (id_of(NEW), id_of(OLD))


@given(st.binary(max_size=80))
def test_nothing_but_what_was_sealed_opens(junk: bytes) -> None:
    with pytest.raises(SealBroken):
        Vault([NEW, OLD]).unseal(junk)


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
