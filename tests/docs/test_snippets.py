"""Whatever a document shows can be read by what it is for; what must also run is told elsewhere."""

import json
import subprocess
from collections.abc import Callable

import pytest
import yaml

from tests.docs.documents import blocks, documents, languages


def read_by_python(text: str) -> None:
    compile(text, "a document", "exec")


def read_by_a_shell(text: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-n"], input=text, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


READERS: dict[str, Callable[[str], object]] = {
    "python": read_by_python,
    "sh": read_by_a_shell,
    "json": json.loads,
    "yaml": yaml.safe_load,
}
"""What else is shown is for eyes only."""
SHOWN = [
    (document, language)
    for document in documents()
    for language in languages(document)
    if language in READERS
]


def test_much_is_shown() -> None:
    assert ("README.md", "python") in SHOWN
    assert ("CONTRIBUTING.md", "sh") in SHOWN


@pytest.mark.parametrize(("document", "language"), SHOWN)
def test_what_is_shown_can_be_read(document: str, language: str) -> None:
    for text in blocks(document, language):
        READERS[language](text)
