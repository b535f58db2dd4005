"""The OpenAPI document is true: what is made up from it is answered as it says, never by 5xx."""

import asyncio
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.gateway.conftest import Opener, until_known

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.mark.parametrize("examples", [4, pytest.param(150, marks=pytest.mark.slow)])
async def test_every_operation_answers_as_the_document_says(
    a_gateway: Opener, api_key: str, examples: int
) -> None:
    rates = dict.fromkeys(
        ("gateway_calls_per_minute", "gateway_callbacks_per_minute"), 1_000_000_000
    )
    async with a_gateway(api_key, **rates, gateway_strangers_per_minute=10**9) as door:
        await until_known(door)
        document = (await door.http.get("/openapi.json")).json()
        url = str(door.http.base_url)
        strangers: dict[str, str] = {}
        for headers in (door.signed_in, strangers):
            await asyncio.to_thread(_try_all, document, url, headers, examples)


def _try_all(document: Any, url: str, headers: dict[str, str], examples: int) -> None:
    schema = schemathesis.openapi.from_dict(document)
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def attempt(case: Any) -> None:
            case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)

        attempt()
        tried += 1
    assert tried == len(document["paths"])
    assert httpx.get(f"{url}/healthz").status_code == 200
