"""Whatever arrives, the reader answers; whatever it takes, it keeps."""

import copy
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.intents import IntentFault, erased, load_intent, masked, read_intent
from schemas.intents.hyperteknoloji import HyperteknolojiIntent
from schemas.jsontext import canonical, loads

Body = dict[str, Any]
unhurried = settings(deadline=None)  # the machines that run this are shared

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20
)
integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
scalars = st.none() | st.booleans() | integers | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20
)
amounts = st.decimals("0.01", "999999999999", places=2).map(str)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
personal = st.integers(10**11, 10**12 - 1).map(lambda number: f"GM-{number}-Ş")


@st.composite
def quotes(draw: st.DrawFn) -> Body:
    start = draw(moments)
    end = start + draw(st.timedeltas(timedelta(microseconds=1), timedelta(days=30)))
    whole: Body = {"quoted_at": start.isoformat(), "expires_at": end.isoformat()}
    whole |= {"max_total": draw(amounts), "currency": draw(st.sampled_from(["TRY", "IRT"]))}
    left_out = draw(st.sets(st.sampled_from(["expires_at", "max_total"])))
    return {key: item for key, item in whole.items() if key not in left_out}


answers = st.fixed_dictionaries(
    {"product_require_id": st.integers(1, 2**63 - 1), "value": personal},
    optional={"identifier": st.none() | texts, "title": texts},
)
hyperteknoloji_lines = st.fixed_dictionaries(
    {
        "deliver_id": names,
        "quantity": st.integers(1, 2**31 - 1),
        "customer_store_product_id": st.integers(1, 2**63 - 1),
    },
    optional={"require_data": st.lists(answers, max_size=3)},
)
gifthub_lines = st.fixed_dictionaries(
    {
        "DeliverID": names,
        "sku": names,
        "product_type": st.sampled_from(["fixed", "range", "time", "custom_fixed"]),
        "face_value": amounts | st.integers(1, 10**12 - 1),
        "quantity": st.integers(1, 5),
    }
)
envelope: dict[str, st.SearchStrategy[Any]] = {"intent_id": names}
optional: dict[str, st.SearchStrategy[Any]] = {
    "account": st.just("eu_2"),
    "producer": st.just("shop-eu"),
    "notify_url": st.none() | st.just("https://shop.example/hooks"),
    "quote": st.none() | quotes(),
}
hyperteknoloji = st.fixed_dictionaries(
    envelope
    | {
        "provider": st.just("hyperteknoloji"),
        "lines": st.lists(
            hyperteknoloji_lines, min_size=1, max_size=4, unique_by=lambda line: line["deliver_id"]
        ),
    },
    optional=optional | {"billing_address_id": st.none() | st.integers(1, 2**63 - 1)},
)
gifthub = st.fixed_dictionaries(
    envelope
    | {
        "provider": st.just("gifthub"),
        "wallet": st.sampled_from(["EUR", "IRT"]),
        "lines": st.lists(
            gifthub_lines,
            min_size=1,
            max_size=5,
            unique_by=(lambda line: line["DeliverID"], lambda line: line["sku"]),
        ),
    },
    optional=optional,
)
adobe_ids = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
adobe_lines = st.fixed_dictionaries(
    {"deliver_id": names, "offer_id": names, "quantity": st.integers(1, 599_000)},
    optional={
        "deployment_id": names,
        "discount_code": st.none() | names,
        "flex_discount_codes": st.lists(names, max_size=1),
    },
)
adobe = st.fixed_dictionaries(
    envelope
    | {
        "provider": st.just("adobe_vipm"),
        "customer_id": adobe_ids,
        "order_type": st.sampled_from(["NEW", "PREVIEW"]),
        "lines": st.lists(
            adobe_lines, min_size=1, max_size=4, unique_by=lambda line: line["deliver_id"]
        ),
    },
    optional=optional | {"currency": st.none() | st.just("USD")},
)
metadata = st.dictionaries(names.map(lambda name: f"m-{name}"), personal, max_size=3)
threekit_lines = st.fixed_dictionaries(
    {"deliver_id": names, "configuration_id": names, "quantity": st.integers(1, 2**31 - 1)},
    optional={"metadata": metadata},
)
threekit = st.fixed_dictionaries(
    envelope
    | {
        "provider": st.just("threekit"),
        "platform": st.fixed_dictionaries({"id": names, "platform": names, "store_name": names}),
        "lines": st.lists(
            threekit_lines, min_size=1, max_size=4, unique_by=lambda line: line["deliver_id"]
        ),
    },
    optional=optional | {"metadata": metadata, "customer_id": st.none() | names},
)
waits = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["minutes", "hours", "days", "weekdays"]),
        "amount": st.integers(0, 30),
    }
)
feedback = st.fixed_dictionaries(
    envelope
    | {
        "provider": st.just("feedback_company"),
        "customer": st.fixed_dictionaries(
            {"email": st.integers(0, 10**9).map(lambda n: f"c-{n}@example.com")},
            optional={"fullname": personal},
        ),
        "lines": st.lists(
            st.fixed_dictionaries({"deliver_id": names}),
            min_size=1,
            max_size=4,
            unique_by=lambda line: line["deliver_id"],
        ),
    },
    optional=optional | {"invitation": st.fixed_dictionaries({"delay": waits})},
)
bodies = hyperteknoloji | gifthub | adobe | threekit | feedback


def raw_of(body: Any, *, spaced: bool = False, escaped: bool = False) -> bytes:
    return json.dumps(body, indent=3 if spaced else None, ensure_ascii=escaped).encode()


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from places(tree[key])


def shuffled(tree: Any, dice: random.Random) -> Any:
    """The same tree with the keys of every object in another order."""
    if isinstance(tree, dict):
        keys = list(tree)
        dice.shuffle(keys)
        return {key: shuffled(tree[key], dice) for key in keys}
    return [shuffled(item, dice) for item in tree] if isinstance(tree, list) else tree


def answer(raw: bytes) -> str:
    """What the reader says; anything but an intent or a fault escapes and fails the test."""
    try:
        return repr(read_intent(raw, producer="shop-eu"))
    except IntentFault as fault:
        return f"{fault} {fault!r}"


@unhurried
@given(st.binary() | trees.map(raw_of) | st.dictionaries(texts, trees).map(raw_of))
def test_any_bytes_are_an_intent_or_a_fault(raw: bytes) -> None:
    assert answer(raw)


@unhurried
@given(bodies, st.data())
def test_an_intent_with_a_few_bytes_changed_is_an_intent_or_a_fault(
    body: Body, data: st.DataObject
) -> None:
    raw = bytearray(raw_of(body, escaped=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert answer(bytes(raw))


@unhurried
@given(bodies)
def test_what_was_read_is_kept_and_read_back_the_same(body: Body) -> None:
    kept = read_intent(raw_of(body), producer="shop-eu")
    through_jsonb = json.loads(json.dumps(kept.document))
    assert load_intent(through_jsonb) == kept.intent
    assert load_intent(through_jsonb).model_dump(mode="json") == kept.document


@unhurried
@given(bodies)
def test_what_is_erased_is_the_same_intent_without_a_personal_value(body: Body) -> None:
    kept = read_intent(raw_of(body), producer="shop-eu")
    without = json.loads(json.dumps(erased(kept.document)))
    assert masked(load_intent(without)) == masked(kept.intent)
    assert not re.search(r"GM-\d{12}-Ş|c-\d+@example.com", raw_of(without).decode())


@unhurried
@given(bodies, st.randoms(use_true_random=False), st.data())
def test_the_fingerprint_is_blind_to_how_the_text_is_laid_out(
    body: Body, dice: random.Random, data: st.DataObject
) -> None:
    one = read_intent(raw_of(body), producer="shop-eu")
    spaced, escaped = data.draw(st.booleans()), data.draw(st.booleans())
    other = raw_of(shuffled(body, dice), spaced=spaced, escaped=escaped)
    assert read_intent(other, producer="shop-eu").fingerprint == one.fingerprint


@unhurried
@given(bodies, st.data())
def test_the_fingerprint_changes_with_every_value(body: Body, data: st.DataObject) -> None:
    before = read_intent(raw_of(body), producer="shop-eu").fingerprint
    fields = ("intent_id", "deliver_id", "DeliverID", "sku", "value", "quantity", "face_value")
    holder, key = data.draw(st.sampled_from([p for p in places(body) if p[1] in fields]))
    old = holder[key]
    new = data.draw(
        {"value": personal, "quantity": st.integers(1, 5), "face_value": amounts}.get(key, names)
    )
    holder[key] = new
    try:
        after = read_intent(raw_of(body), producer="shop-eu").fingerprint
    except IntentFault as fault:
        assert fault.code in {"duplicate_deliver_id", "duplicate_value"}  # noqa: PT017 - the new name was taken
    else:
        assert (after == before) == (new == old)


@unhurried
@given(hyperteknoloji, st.data())
def test_personal_data_shows_nowhere(body: Body, data: st.DataObject) -> None:
    """Neither of an intent that is taken nor of one that was spoilt anywhere."""
    secrets = {holder[key] for holder, key in places(body) if key == "value"}
    intent = read_intent(raw_of(body), producer="shop-eu").intent
    assert isinstance(intent, HyperteknolojiIntent)
    assert {one.value for line in intent.lines for one in line.require_data} == secrets
    shown = f"{intent!r} {intent} {masked(intent)}"

    spoilt = copy.deepcopy(body)
    holder, key = data.draw(st.sampled_from(list(places(spoilt))))
    if data.draw(st.booleans()):
        holder[key] = data.draw(trees | st.just([holder[key]]) | st.just({"value": holder[key]}))
    else:
        del holder[key]
    shown += answer(raw_of(spoilt))
    assert not [secret for secret in secrets if secret in shown]


@unhurried
@given(trees)
def test_one_value_has_one_canonical_text_and_the_text_one_value(tree: Any) -> None:
    text = canonical(tree)
    assert loads(text, max_bytes=10**6) == tree
    assert canonical(loads(text, max_bytes=10**6)) == text
