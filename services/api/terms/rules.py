"""How a term of the dictionary is found by what somebody has typed of it. Pure decisions."""

import unicodedata
from collections.abc import Iterable, Sequence

from services.api.protocol.terms import Term


class Index:
    """The terms of a dictionary in its order, made ready for searching while somebody types.

    Neither capitals, accents nor punctuation tell words apart.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        self._words = [(f" {words(term.term)}", term) for term in self.terms]

    def search(self, typed: str) -> Sequence[Term]:
        """The terms that `typed` may mean, the likelier first, else in the dictionary's order.

        First those that begin with it, then those of which a word begins with
        it, then those that hold it anywhere. Digits are also the beginning of
        a MedDRA code.
        """
        wanted = words(typed)
        if not wanted:
            return ()
        first: list[Term] = []
        within: list[Term] = []
        anywhere: list[Term] = []
        start = f" {wanted}"
        for text, term in self._words:
            if wanted not in text:
                if term.meddra_code.startswith(wanted):
                    first.append(term)
            elif text.startswith(start):
                first.append(term)
            else:
                (within if start in text else anywhere).append(term)
        return (*first, *within, *anywhere)


def words(text: str) -> str:
    """The words of a text in small letters without accents, parted by single spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = (letter for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in kept).split())
