"""What the adapter's environment must hold, told without what it holds."""

from pathlib import Path

import pytest

from services.api.connect.patience import Stopped
from services.api.connect.settings import read_settings, secret_in

WHOLE = {
    "TRIAL_URL": "https://trial.test/",
    "CLIENT_ID": "edc",
    "CLIENT_SECRET_FILE": "/run/secrets/client",
    "URL": "https://edc.test/api/",
    "STUDY": "5f0c1a9e-31f0-4ad5-9a59-0f3c7c1f6a10",
    "KEY_FILE": "/run/secrets/key",
    "ARMS": '{"experimental": "Spray", "control": "Care"}',
    "STATE_FILE": "/var/lib/trial/edc-core.json",
}


def given(monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    for name, value in (WHOLE | changed).items():
        monkeypatch.setenv(f"TRIAL_EDC_CORE_{name}", value)


def test_a_whole_environment_names_both_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    settings = read_settings()
    assert settings.trial == "https://trial.test"
    assert settings.intake == f"https://edc.test/api/studies/{WHOLE['STUDY']}/rtsm/assignments"


def test_all_that_is_missing_or_wrong_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(monkeypatch, ARMS="{not JSON", STUDY="../other", URL="edc.test")
    monkeypatch.delenv("TRIAL_EDC_CORE_KEY_FILE")
    with pytest.raises(Stopped) as fault:
        read_settings()
    names = [line.partition(":")[0] for line in str(fault.value).splitlines()[1:]]
    assert names == [f"TRIAL_EDC_CORE_{name}" for name in ("URL", "STUDY", "KEY_FILE", "ARMS")]
    assert "../other" not in str(fault.value)


@pytest.mark.parametrize("name", ["TRIAL_URL", "URL"])
def test_keys_and_arms_do_not_travel_in_the_open(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given(monkeypatch, **{name: "http://edc.test"})
    with pytest.raises(Stopped, match="https"):
        (read_settings().trial, read_settings().intake)
    given(monkeypatch, **{name: "http://edc.test", "HTTP": "true"})
    assert read_settings().intake
    given(monkeypatch, **{name: "http://127.0.0.1:8000", "HTTP": "false"})
    assert read_settings().trial


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "schlüssel"])
def test_a_secret_is_one_line_of_plain_characters(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secret"
    path.write_text(text)
    with pytest.raises(Stopped, match="one secret"):
        secret_in(path)
