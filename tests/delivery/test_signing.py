import base64
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from worker.delivery.signing import Signer, UnusableSecret, new_secret

OLD, NEW = new_secret(), new_secret()
secrets = st.builds(new_secret)
utf8 = st.text(st.characters(codec="utf-8")).map(str.encode)
webhook_ids = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)


def verify(secret: str, headers: dict[str, str], body: bytes) -> None:
    """What a producer does, with the public library."""
    Webhook(secret).verify(body, headers, json_parse=False)


def signed(keys: Sequence[str], body: bytes) -> dict[str, str]:
    return Signer(keys).sign("msg_1", datetime.now(UTC), body)


@given(secret=secrets, webhook_id=webhook_ids, body=utf8)
def test_whatever_we_sign_the_public_library_accepts(
    secret: str, webhook_id: str, body: bytes
) -> None:
    verify(secret, Signer([secret]).sign(webhook_id, datetime.now(UTC), body), body)


@given(body=st.binary(min_size=1).filter(bytes.isascii), data=st.data())
def test_one_changed_bit_of_the_body_is_noticed(body: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    forged = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    with pytest.raises(WebhookVerificationError):
        verify(NEW, signed([NEW], body), forged)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_the_id_and_the_timestamp_are_signed_too(header: str) -> None:
    headers = signed([NEW], b"{}")
    headers[header] = headers[header][:-1] + ("1" if headers[header][-1] != "1" else "2")
    with pytest.raises(WebhookVerificationError):
        verify(NEW, headers, b"{}")


def test_during_a_rotation_either_secret_verifies_and_the_current_one_stands_first() -> None:
    headers = signed([NEW, OLD], b"{}")
    verify(NEW, headers, b"{}")
    verify(OLD, headers, b"{}")
    assert headers["webhook-signature"].split(" ")[0] == signed([NEW], b"{}")["webhook-signature"]


def test_a_secret_that_was_retired_verifies_nothing() -> None:
    with pytest.raises(WebhookVerificationError):
        verify(OLD, signed([NEW], b"{}"), b"{}")


def test_the_example_of_the_specifications_own_libraries_is_reproduced() -> None:
    signer = Signer(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    headers = signer.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("webhook_id", ["", "a.b", "a\r\nx-evil: 1", "ä", "a b", "a" * 129])
def test_an_id_that_could_blur_the_signed_text_is_a_bug_of_ours(webhook_id: str) -> None:
    with pytest.raises(ValueError, match=r"^a webhook id is 1 to 128 letters, digits, '-' or '_'$"):
        Signer([NEW]).sign(webhook_id, datetime.now(UTC), b"{}")


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + "A" * 31 + "=",  # 23 bytes
        "whsec_" + "A" * 87 + "=",  # 65 bytes
        "whsec_" + "A" * 88,  # 66 bytes
        "whsec_" + "A" * 16 + "!?\n" + "A" * 16,  # 24 bytes, for whoever overlooks the rest
        "whsec_ not base64 at all, though it is quite long",
        "whsk_" + "A" * 44,
    ],
)
def test_an_unusable_secret_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(UnusableSecret) as caught:
        Signer([secret])
    assert str(caught.value) == (
        "A webhook secret is 'whsec_' followed by the base64 of 24 to 64 bytes."
    )
    assert not secret.removeprefix("whsec_") or secret not in str(caught.value)


def test_an_endpoint_without_a_secret_is_refused() -> None:
    with pytest.raises(UnusableSecret, match=r"^An endpoint needs at least one webhook secret\.$"):
        Signer([])


@pytest.mark.parametrize("size", [24, 64])
def test_a_key_of_the_least_and_of_the_greatest_size_is_used(size: int) -> None:
    secret = "whsec_" + base64.b64encode(bytes(size)).decode()
    verify(secret, signed([secret], b"{}"), b"{}")


def test_a_new_secret_is_32_random_bytes() -> None:
    key = base64.b64decode(OLD.removeprefix("whsec_"), validate=True)
    assert len(key) == 32
    assert OLD != NEW


def test_no_repr_shows_a_secret() -> None:
    assert NEW.removeprefix("whsec_") not in repr(Signer([NEW]))
