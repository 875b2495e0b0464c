"""The lists of values, in every language in which the service has them."""

from collections.abc import Iterable, Mapping

from services.api.exports.odm.groups import Group
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.protocol.schema import Protocol

Words = Mapping[str, str]
"""A text by the tag of its language."""


def used(groups: Iterable[Group]) -> tuple[str, ...]:
    """The lists that items name, in their order."""
    return tuple(sorted({item.codes for group in groups for item in group.items if item.codes}))


def values(name: str, protocol: Protocol) -> Mapping[str, Words]:
    """The values of a list and what each is called."""
    own = _of_protocol(protocol)
    if name in own:
        return {value: {"en": label} for value, label in own[name].items()}
    return {
        value: {language.value: enumerations(language)[name][value].label for language in Language}
        for value in enumerations(Language.ENGLISH)[name]
    }


def _of_protocol(protocol: Protocol) -> Mapping[str, Mapping[str, str]]:
    """The lists that a trial has of its own, in the words of its document."""
    facts = {
        f"fact.{fact.id}": {choice: choice for choice in fact.choices}
        for fact in protocol.eligibility.facts
        if fact.choices
    }
    return facts | {
        "Arm": {one.code: one.label for one in protocol.arms},
        "Clock": {one.id: one.label for one in protocol.adverse_events.clocks},
        "Site": {one.code: one.name for one in protocol.sites},
    }
