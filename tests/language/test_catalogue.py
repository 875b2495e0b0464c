"""The catalogue's texts, read as they are kept."""

import pytest

from services.api.language.catalogue import DIRECTORY, enumerations
from services.api.language.tags import Language


@pytest.mark.parametrize("language", [Language.ENGLISH])
def test_every_label_is_a_short_text_and_every_meaning_a_sentence(language: Language) -> None:
    for values in enumerations(language).values():
        for value, label in values.items():
            assert label.label.strip() == label.label != "", value
            assert not label.label.endswith((".", "。")), value
            assert label.meaning.endswith((".", "。")), value
            assert len(label.label) <= 60, value


def test_no_key_is_given_twice() -> None:
    for path in DIRECTORY.glob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        section = ""
        seen: set[tuple[str, str]] = set()
        for line in lines:
            if not line or line.startswith("#"):
                continue
            if not line.startswith(" "):
                section = line
            key = (section, line.partition(": ")[0])
            assert key not in seen, key
            seen.add(key)
