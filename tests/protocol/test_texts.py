"""A translation beside a document has every text of it, and no other; the document stays itself."""

import shutil
from pathlib import Path

import pytest
import yaml

from services.api.language.tags import Language
from services.api.protocol import load as loading
from services.api.protocol.load import Loaded, ProtocolMistake, load, load_all

DOCUMENTS = Path(loading.__file__).parent / "documents"
NAME = "nct07312656-1.0"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The trial's document and its Chinese, in a directory of the test's own."""
    for ending in (".yaml", ".zh-Hans.yaml"):
        shutil.copy(DOCUMENTS / f"{NAME}{ending}", tmp_path)
    return tmp_path


def rewritten(directory: Path, **changes: object) -> Path:
    """The document, whose translation has the changes; None takes a text away."""
    beside = directory / f"{NAME}.zh-Hans.yaml"
    texts = yaml.safe_load(beside.read_text(encoding="utf-8")) | changes
    kept = {path: text for path, text in texts.items() if text is not None}
    beside.write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    return directory / f"{NAME}.yaml"


def test_every_text_of_the_trial_has_its_chinese(loaded: Loaded) -> None:
    english, chinese = (loaded.texts[language] for language in Language)
    assert list(english) == list(chinese)
    assert len(english) > 150
    for path, text in chinese.items():
        assert text != english[path], path
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text), path


def test_the_documents_hash_is_that_of_the_english_alone(copied: Path) -> None:
    with_chinese = load(copied / f"{NAME}.yaml")
    (copied / f"{NAME}.zh-Hans.yaml").unlink()
    without = load(copied / f"{NAME}.yaml")
    assert with_chinese.sha256 == without.sha256
    assert without.texts.keys() == {Language.ENGLISH}


def test_a_text_without_translation_is_a_mistake(copied: Path) -> None:
    path = "eligibility.criteria[I07].text"
    with pytest.raises(ProtocolMistake) as refused:
        load(rewritten(copied, **{path: None}))
    assert refused.value.lines == (f"{NAME}.zh-Hans.yaml: {path}: is not translated",)


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("eligibility.criteria[I99].text", "新的标准", "the document has no such text"),
        ("visits.schedule[BL].label", " ", "is no text"),
        ("visits.schedule[BL].label", 3, "is no text"),
    ],
)
def test_a_translation_that_does_not_fit_is_a_mistake(
    copied: Path, path: str, text: object, what: str
) -> None:
    with pytest.raises(ProtocolMistake) as refused:
        load(rewritten(copied, **{path: text}))
    assert refused.value.lines == (f"{NAME}.zh-Hans.yaml: {path}: {what}",)


def test_a_translation_is_no_document_of_its_own(copied: Path) -> None:
    assert list(load_all(copied)) == ["1.0"]
