"""Baseline characteristics of everybody who was randomized."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev

from services.api.exports.registry.people import Person, analysed
from services.api.exports.registry.tables import (
    PARTICIPANTS,
    Group,
    by_arm,
    cells,
    denominators,
    with_total,
)
from services.api.protocol.schema import Factor, Json, Protocol

SEXES: Mapping[str, str] = {"Female": "female", "Male": "male"}


def baseline(everybody: Sequence[Person], protocol: Protocol, country: str | None) -> Json:
    """The module: age, sex, what the registry asks everybody for, and the factors of the strata."""
    groups = with_total(by_arm("BG", analysed(everybody), protocol))
    return {
        "populationDescription": "Everybody who was randomized, in the arm they were allocated to,"
        " each person once.",
        "groups": [group.told() for group in groups],
        "denoms": denominators({group.id: len(group.people) for group in groups}),
        "measures": [
            _age(groups),
            _count("Sex: Female, Male", groups, {t: _of_sex(s) for t, s in SEXES.items()}),
            _nobody_asked(groups),
            *([_region(groups, country)] if country else []),
            *(_factor(groups, factor) for factor in protocol.randomization.factors),
        ],
    }


def _age(groups: Sequence[Group]) -> Json:
    """Age at consent; who has none on record is not in this measure's denominator."""
    ages = {group.id: [one.age for one in group.people if one.age is not None] for group in groups}
    return {
        "title": "Age, Continuous",
        "description": "In completed years, on the day of consent.",
        "paramType": "MEAN",
        "dispersionType": "STANDARD_DEVIATION",
        "unitOfMeasure": "years",
        "denoms": denominators({group: len(found) for group, found in ages.items()}),
        "classes": [
            {
                "categories": [
                    {
                        "measurements": [
                            {
                                "groupId": group,
                                "value": f"{fmean(found):.1f}" if found else "NA",
                                "spread": f"{stdev(found):.1f}" if len(found) > 1 else "NA",
                            }
                            for group, found in ages.items()
                        ]
                    }
                ]
            }
        ],
    }


def _of_sex(sex: str) -> Callable[[Person], bool]:
    return lambda one: one.sex == sex


def _count(
    title: str, groups: Sequence[Group], categories: Mapping[str, Callable[[Person], bool]]
) -> Json:
    return {
        "title": title,
        "paramType": "COUNT_OF_PARTICIPANTS",
        "unitOfMeasure": PARTICIPANTS,
        "classes": [
            {
                "categories": [
                    {
                        "title": category,
                        "measurements": cells(
                            {g.id: sum(counted(one) for one in g.people) for g in groups}
                        ),
                    }
                    for category, counted in categories.items()
                ]
            }
        ],
    }


def _nobody_asked(groups: Sequence[Group]) -> Json:
    """The registry wants to be told that race and ethnicity were not recorded."""
    nobody = {group.id: 0 for group in groups}
    return {
        "title": "Race and Ethnicity Not Collected",
        "populationDescription": "Race and ethnicity were not collected from anybody.",
        "paramType": "COUNT_OF_PARTICIPANTS",
        "unitOfMeasure": PARTICIPANTS,
        "denoms": denominators(nobody),
        "classes": [{"categories": [{"measurements": cells(nobody)}]}],
    }


def _region(groups: Sequence[Group], country: str) -> Json:
    whole = {group.id: len(group.people) for group in groups}
    return {
        "title": "Region of Enrollment",
        "paramType": "NUMBER",
        "unitOfMeasure": PARTICIPANTS,
        "classes": [{"title": country, "categories": [{"measurements": cells(whole)}]}],
    }


def _factor(groups: Sequence[Group], factor: Factor) -> Json:
    """A factor by which randomization was stratified, as it was used."""

    def at(value: object) -> Callable[[Person], bool]:
        return lambda one: one.levels.get(factor.id) == value

    title = factor.id.replace("_", " ").capitalize()
    return _count(title, groups, {level.label: at(level.value) for level in factor.levels})
