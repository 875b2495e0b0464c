"""Every text that a front-end shows, put together from the catalogue and the protocol."""

from services.api.core.errors import ApiError
from services.api.labels.schemas import (
    ArmLabels,
    CriterionLabels,
    FactLabels,
    FactorLabels,
    LabelRead,
    LabelsRead,
    ProblemLabels,
    ProtocolLabels,
    ScaleLabels,
    SiteLabels,
)
from services.api.language.catalogue import enumerations
from services.api.language.tags import Language
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Fact, Factor, Scale
from services.api.protocol.texts import Texts


def labels(loaded: Loaded, language: Language) -> LabelsRead:
    """Every label in that language; the protocol's in English where it is not kept in it."""
    return LabelsRead(
        language=language,
        enumerations={
            name: {
                value: LabelRead(label=one.label, meaning=one.meaning)
                for value, one in values.items()
            }
            for name, values in enumerations(language).items()
        },
        problems={
            code: ProblemLabels(title=kind.title(language), remedy=kind.remedy(language))
            for code, kind in sorted(ApiError.by_code.items())
        },
        protocol=_protocol(loaded, language if language in loaded.texts else Language.ENGLISH),
    )


def _protocol(loaded: Loaded, language: Language) -> ProtocolLabels:
    protocol, texts = loaded.protocol, loaded.texts[language]
    grading, safety = protocol.grading, protocol.adverse_events
    return ProtocolLabels(
        version=protocol.version,
        language=language,
        brief_title=texts["study.brief_title"],
        official_title=texts["study.official_title"],
        instructions=texts["treatment.instructions"],
        sites={
            one.code: SiteLabels(
                name=texts[f"sites[{one.code}].name"], city=texts[f"sites[{one.code}].city"]
            )
            for one in protocol.sites
        },
        arms={
            one.code: ArmLabels(
                label=texts[f"arms[{one.code}].label"],
                description=texts[f"arms[{one.code}].description"],
            )
            for one in protocol.arms
        },
        factors={one.id: _factor(one, texts) for one in protocol.randomization.factors},
        facts={one.id: _fact(one, texts) for one in protocol.eligibility.facts},
        criteria={
            one.id: CriterionLabels(
                text=texts[f"eligibility.criteria[{one.id}].text"],
                flag_text=texts.get(f"eligibility.criteria[{one.id}].flag_text"),
            )
            for one in protocol.eligibility.criteria
        },
        visits={
            one.code: texts[f"visits.schedule[{one.code}].label"]
            for one in protocol.visits.schedule
        },
        components={
            one.id: texts[f"grading.components[{one.id}].label"] for one in grading.components
        },
        scales={one.id: _scale(one, texts) for one in grading.scales},
        impossible={
            one.id: texts[f"grading.impossible[{one.id}].text"] for one in grading.impossible
        },
        clocks={one.id: texts[f"adverse_events.clocks[{one.id}].label"] for one in safety.clocks},
        stopping_rules={
            one.id: texts[f"adverse_events.stopping_rules[{one.id}].label"]
            for one in safety.stopping_rules
        },
    )


def _factor(factor: Factor, texts: Texts) -> FactorLabels:
    path = f"randomization.factors[{factor.id}]"
    return FactorLabels(
        label=texts[path],
        levels={
            _as_key(level.value): texts[f"{path}.levels[{level.code}].label"]
            for level in factor.levels
        },
    )


def _as_key(value: bool | str) -> str:
    """A value as the key of a JSON object."""
    return str(value).lower() if isinstance(value, bool) else value


def _fact(fact: Fact, texts: Texts) -> FactLabels:
    path = f"eligibility.facts[{fact.id}]"
    return FactLabels(
        question=texts[f"{path}.question"],
        choices={choice: texts[f"{path}.choices[{choice}]"] for choice in fact.choices},
    )


def _scale(scale: Scale, texts: Texts) -> ScaleLabels:
    path = f"grading.scales[{scale.id}]"
    return ScaleLabels(
        label=texts[f"{path}.label"],
        grades={str(one.grade): texts[f"{path}.grades[{one.grade}].text"] for one in scale.grades},
    )
