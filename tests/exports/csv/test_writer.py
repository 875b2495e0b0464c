"""A table is as RFC 4180 has it."""

import csv
import io

from services.api.exports.csv.writer import DATASETS, LINES, encoded


def test_what_needs_quotes_has_them_and_lines_end_as_they_should() -> None:
    lines = [["a", "b"], ['say "x"', "one,two"], ["two\nlines", "口"]]
    made = b"".join(encoded(lines)).decode()
    assert made == 'a,b\r\n"say ""x""","one,two"\r\n"two\nlines",口\r\n'
    assert list(csv.reader(io.StringIO(made, newline=""))) == lines


def test_it_comes_in_pieces() -> None:
    pieces = list(encoded([["x"]] * (2 * LINES + 1)))
    assert [piece.count(b"\r\n") for piece in pieces] == [LINES, LINES, 1]


def test_the_files_come_with_their_dictionary_and_codelists() -> None:
    assert {"subjects", "gradings", "dictionary", "codelists"} <= set(DATASETS)
    assert len(DATASETS) == len(set(DATASETS))
