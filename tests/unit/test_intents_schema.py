"""What is published about intents is true: the JSON Schema and the example files."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.intents import json_schema, read_intent

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
SCHEMA = json_schema()
BODIES: dict[str, dict[str, Any]] = {
    provider: SCHEMA["$defs"][reference.rpartition("/")[2]]
    for provider, reference in SCHEMA["discriminator"]["mapping"].items()
}


@pytest.fixture(params=BODIES)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def described(schema: Any) -> list[tuple[str, bool]]:
    """Every property below a schema, by name, and whether it says what it means."""
    if isinstance(schema, list):
        return [found for item in schema for found in described(item)]
    if not isinstance(schema, dict):
        return []
    own = [(name, "description" in said) for name, said in schema.get("properties", {}).items()]
    return own + [
        found for key, item in schema.items() if key != "examples" for found in described(item)
    ]


def test_the_schema_names_its_draft_and_itself() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "Orderline intent"


def test_every_field_says_what_it_means() -> None:
    fields = described(SCHEMA["$defs"])
    assert ("deliver_id", True) in fields
    assert [name for name, says in fields if not says] == []


def test_every_body_and_part_says_what_it_is_and_is_closed() -> None:
    for name, part in SCHEMA["$defs"].items():
        assert part["description"], name
        assert part["additionalProperties"] is False, name


def test_every_provider_has_an_example_that_is_read(provider: str) -> None:
    (example,) = BODIES[provider]["examples"]
    assert read_intent(json.dumps(example).encode(), producer="shop-eu").intent.provider == provider


def test_the_example_file_is_the_example_of_the_schema(provider: str) -> None:
    raw = (EXAMPLES / f"{provider}.json").read_bytes()
    assert [json.loads(raw)] == BODIES[provider]["examples"]


def test_the_producer_may_be_left_out_on_a_stream(provider: str) -> None:
    assert "producer" in BODIES[provider]["properties"]
    assert "producer" not in BODIES[provider]["required"]


def test_a_line_is_named_in_either_spelling_but_not_in_both() -> None:
    line = SCHEMA["$defs"]["GifthubLine"]
    assert line["properties"]["DeliverID"] == line["properties"]["deliver_id"]
    assert line["oneOf"] == [{"required": ["deliver_id"]}, {"required": ["DeliverID"]}]
    assert "deliver_id" not in line["required"]


def test_limits_that_json_schema_can_say_are_in_it() -> None:
    gifthub, line = SCHEMA["$defs"]["GifthubIntent"], SCHEMA["$defs"]["GifthubLine"]
    assert (
        gifthub["properties"]["lines"]["minItems"],
        gifthub["properties"]["lines"]["maxItems"],
    ) == (1, 5)
    assert (
        line["properties"]["quantity"]["minimum"],
        line["properties"]["quantity"]["maximum"],
    ) == (1, 5)


def test_personal_data_is_marked() -> None:
    assert SCHEMA["$defs"]["RequireData"]["properties"]["value"]["x-personal-data"] is True
