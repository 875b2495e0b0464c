"""The texts of a protocol that people read, by their paths, in the languages they are kept in.

The document holds them in English. A file beside it of the same name and a
language's tag (`….zh-Hans.yaml`) holds each under its path in another language:
`eligibility.criteria[I07].text`. It is no part of the document: what binds is
the English, whose SHA-256 is published.
"""

from collections.abc import Iterator, Mapping

from services.api.protocol.schema import Eligibility, Grading, Outcome, Protocol, Study

Texts = Mapping[str, str]
"""Every text by its path."""


def texts(protocol: Protocol) -> dict[str, str]:
    """Every text in English, in the order of the document.

    A factor and the choices of a fact have no text: their ids stand for one.
    """
    return dict(
        [
            *_of_study(protocol.study),
            *_of_arms_and_sites(protocol),
            ("treatment.instructions", protocol.treatment.instructions),
            *_of_factors(protocol),
            *_of_eligibility(protocol.eligibility),
            *(
                (f"visits.schedule[{rule.code}].label", rule.label)
                for rule in protocol.visits.schedule
            ),
            *_of_grading(protocol.grading),
            *_of_safety(protocol),
        ]
    )


Found = Iterator[tuple[str, str]]


def _of_study(study: Study) -> Found:
    yield "study.brief_title", study.brief_title
    yield "study.official_title", study.official_title
    yield from _listed("study.conditions", study.conditions)
    yield "study.sponsor", study.sponsor
    yield from _listed("study.collaborators", study.collaborators)
    yield from _of_outcome("study.primary_outcome", study.primary_outcome)
    for place, outcome in enumerate(study.secondary_outcomes):
        yield from _of_outcome(f"study.secondary_outcomes[{place}]", outcome)


def _listed(path: str, values: tuple[str, ...]) -> Found:
    for place, value in enumerate(values):
        yield f"{path}[{place}]", value


def _of_outcome(path: str, outcome: Outcome) -> Found:
    yield f"{path}.measure", outcome.measure
    yield f"{path}.time_frame", outcome.time_frame
    yield f"{path}.description", outcome.description


def _of_arms_and_sites(protocol: Protocol) -> Found:
    for site in protocol.sites:
        yield f"sites[{site.code}].name", site.name
        yield f"sites[{site.code}].city", site.city
    for arm in protocol.arms:
        yield f"arms[{arm.code}].label", arm.label
        yield f"arms[{arm.code}].description", arm.description


def _of_factors(protocol: Protocol) -> Found:
    for factor in protocol.randomization.factors:
        path = f"randomization.factors[{factor.id}]"
        yield path, _as_words(factor.id)
        for level in factor.levels:
            yield f"{path}.levels[{level.code}].label", level.label


def _of_eligibility(section: Eligibility) -> Found:
    for fact in section.facts:
        path = f"eligibility.facts[{fact.id}]"
        yield f"{path}.question", fact.question
        for choice in fact.choices:
            yield f"{path}.choices[{choice}]", _as_words(choice)
    for criterion in section.criteria:
        path = f"eligibility.criteria[{criterion.id}]"
        yield f"{path}.text", criterion.text
        if criterion.flag_text is not None:
            yield f"{path}.flag_text", criterion.flag_text


def _of_grading(grading: Grading) -> Found:
    for component in grading.components:
        yield f"grading.components[{component.id}].label", component.label
    for scale in grading.scales:
        path = f"grading.scales[{scale.id}]"
        yield f"{path}.label", scale.label
        for one in scale.grades:
            yield f"{path}.grades[{one.grade}].text", one.text
    for combination in grading.impossible:
        yield f"grading.impossible[{combination.id}].text", combination.text


def _of_safety(protocol: Protocol) -> Found:
    section = protocol.adverse_events
    for clock in section.clocks:
        yield f"adverse_events.clocks[{clock.id}].label", clock.label
    for rule in section.stopping_rules:
        yield f"adverse_events.stopping_rules[{rule.id}].label", rule.label


def _as_words(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def differences(translated: Mapping[str, object], english: Texts) -> Iterator[tuple[str, str]]:
    """Where a translation lacks a text, has one that the document lacks, or holds no text."""
    for path in english:
        if path not in translated:
            yield path, "is not translated"
    for path, text in translated.items():
        if path not in english:
            yield path, "the document has no such text"
        elif not isinstance(text, str) or not text.strip():
            yield path, "is no text"
