"""The formats are told apart by their names and media types."""

from services.api.exports.formats import FORMATS


def test_no_form_of_a_format_hides_another() -> None:
    for name, found in FORMATS.items():
        assert found.name == name
        for forms in (found.forms, found.single):
            types = [form.media_type for form in forms]
            assert len(types) == len(set(types))
        assert bool(found.single) == bool(found.datasets)
