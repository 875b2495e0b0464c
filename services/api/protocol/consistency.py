"""What one part of a protocol document demands of another.

`mistakes` names every contradiction with the path of the field that has to
change. A document without one can be followed to the end of the trial: no
criterion asks for an unknown fact, no assessment is left without a grade, no
stratum runs out of slots.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import product
from math import inf
from zoneinfo import ZoneInfo

from services.api.protocol import terms
from services.api.protocol.comparisons import (
    Kind,
    Mistake,
    kind_of_component,
    kind_of_fact,
    misfits,
    written,
)
from services.api.protocol.conditions import evaluate
from services.api.protocol.paths import value_at
from services.api.protocol.safety import SafetyClock
from services.api.protocol.schema import (
    RADIOTHERAPY_FACTORS,
    Anchor,
    Component,
    Condition,
    Eligibility,
    Factor,
    FactType,
    Grading,
    Json,
    Protocol,
    Scalar,
    Scale,
    VisitRule,
    Visits,
    leaves,
)

WEEKS = 99  # more weeks than any radiotherapy lasts: how far repeated visit codes are compared
CLOCKED = ("serious", "susar_fatal_or_life_threatening", "susar_other")


def mistakes(protocol: Protocol, document: Json) -> list[Mistake]:
    """Every contradiction between the parts of a document, in the document's order."""
    return [
        *_study(protocol),
        *_arms(protocol),
        *_randomization(protocol),
        *_eligibility(protocol.eligibility),
        *_visits(protocol),
        *_grading(protocol.grading),
        *_endpoint(protocol),
        *_adverse_events(protocol),
        *_assumptions(protocol, document),
    ]


def _repeats(path: str, field: str, values: Iterable[Hashable]) -> Iterator[Mistake]:
    seen: set[Hashable] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Mistake(f"{path}[{index}].{field}", f"{value} is already used")
        seen.add(value)


# --- study, sites, arms -------------------------------------------------------------


def _study(protocol: Protocol) -> Iterator[Mistake]:
    zone = protocol.study.time_zone
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        yield Mistake("study.time_zone", f"{zone} is not a time zone of the IANA database")
    yield from _repeats("sites", "code", (site.code for site in protocol.sites))


def _arms(protocol: Protocol) -> Iterator[Mistake]:
    yield from _repeats("arms", "code", (arm.code for arm in protocol.arms))
    for index, arm in enumerate(protocol.arms):
        if arm.type == "no_intervention" and arm.receives_study_drug:
            yield Mistake(
                f"arms[{index}].receives_study_drug", "an arm of no intervention receives none"
            )


# --- randomization ------------------------------------------------------------------


def _randomization(protocol: Protocol) -> Iterator[Mistake]:
    rule = protocol.randomization
    arms = {arm.code for arm in protocol.arms}
    for code in sorted(rule.ratio.keys() - arms):
        yield Mistake(f"randomization.ratio.{code}", "is not an arm")
    for code in sorted(arms - rule.ratio.keys()):
        yield Mistake("randomization.ratio", f"arm {code} is missing")
    if rule.slots_per_stratum < rule.cap:
        yield Mistake(
            "randomization.slots_per_stratum",
            f"a stratum could run out of slots before the cap of {rule.cap}",
        )
    yield from _repeats("randomization.factors", "id", (factor.id for factor in rule.factors))
    sites = [site.code for site in protocol.sites]
    by_site = [index for index, factor in enumerate(rule.factors) if factor.source == "site"]
    for index in by_site[1:]:
        yield Mistake(f"randomization.factors[{index}].source", "the site is a factor already")
    for index, factor in enumerate(rule.factors):
        yield from _source(f"randomization.factors[{index}]", factor)
        yield from _factor(f"randomization.factors[{index}].levels", factor, sites)


def _source(path: str, factor: Factor) -> Iterator[Mistake]:
    """Whether the factor is one that radiotherapy has, or has none of its names."""
    known = factor.id in RADIOTHERAPY_FACTORS
    if factor.source == "radiotherapy" and not known:
        yield Mistake(
            f"{path}.id", f"radiotherapy has {', '.join(RADIOTHERAPY_FACTORS)} and no other factor"
        )
    elif factor.source == "radiotherapy" and {level.value for level in factor.levels} != {
        True,
        False,
    }:
        yield Mistake(f"{path}.levels", "the values are true and false")
    elif factor.source == "recorded" and known:
        yield Mistake(f"{path}.source", f"{factor.id} is recorded with radiotherapy")


def _factor(path: str, factor: Factor, sites: Sequence[str]) -> Iterator[Mistake]:
    yield from _repeats(path, "code", (level.code for level in factor.levels))
    yield from _repeats(path, "value", (level.value for level in factor.levels))
    values = {level.value for level in factor.levels}
    if factor.source == "site":
        for index, level in enumerate(factor.levels):
            if level.value not in sites:
                yield Mistake(f"{path}[{index}].value", f"{level.value} is not a site")
        for code in sites:
            if code not in values:
                yield Mistake(path, f"site {code} is missing")
    elif len({type(value) for value in values}) > 1:
        yield Mistake(path, "the values are either all true or false, or all text")


# --- eligibility --------------------------------------------------------------------


def _eligibility(eligibility: Eligibility) -> Iterator[Mistake]:
    yield from _typed_fact(eligibility, "age_fact", eligibility.age_fact, FactType.INTEGER)
    yield from _typed_fact(eligibility, "consent_fact", eligibility.consent_fact, FactType.BOOLEAN)
    yield from _quantities(eligibility)
    yield from _facts(eligibility)
    yield from _criteria(eligibility)


def _typed_fact(
    eligibility: Eligibility, field: str, fact_id: str, expected: FactType
) -> Iterator[Mistake]:
    found = [fact for fact in eligibility.facts if fact.id == fact_id]
    if not found:
        yield Mistake(f"eligibility.{field}", f"{fact_id} is not a fact")
    elif found[0].type is not expected:
        yield Mistake(f"eligibility.{field}", f"{fact_id} is not of type {expected}")


def _quantities(eligibility: Eligibility) -> Iterator[Mistake]:
    path = "eligibility.quantities"
    yield from _repeats(path, "id", (quantity.id for quantity in eligibility.quantities))
    used = {fact.quantity for fact in eligibility.facts}
    for index, quantity in enumerate(eligibility.quantities):
        if quantity.id not in used:
            yield Mistake(f"{path}[{index}].id", f"no fact measures {quantity.id}")


def _facts(eligibility: Eligibility) -> Iterator[Mistake]:
    yield from _repeats("eligibility.facts", "id", (fact.id for fact in eligibility.facts))
    units = {quantity.id: quantity.unit for quantity in eligibility.quantities}
    conditions = [criterion.when for criterion in eligibility.criteria]
    used = {leaf.fact for condition in conditions for leaf in leaves(condition)}
    for index, fact in enumerate(eligibility.facts):
        path = f"eligibility.facts[{index}]"
        if fact.id not in used:
            yield Mistake(f"{path}.id", f"no criterion asks for {fact.id}")
        if fact.quantity is not None and fact.quantity not in units:
            yield Mistake(f"{path}.quantity", f"{fact.quantity} is not a quantity")
        elif fact.quantity is not None and fact.unit != units[fact.quantity]:
            yield Mistake(f"{path}.unit", f"must be {units[fact.quantity]}, the quantity's unit")
        yield from _range(path, fact.minimum, fact.maximum)


def _range(path: str, minimum: float | None, maximum: float | None) -> Iterator[Mistake]:
    if minimum is not None and maximum is not None and minimum >= maximum:
        yield Mistake(f"{path}.maximum", "must be above the minimum")


def _criteria(eligibility: Eligibility) -> Iterator[Mistake]:
    path = "eligibility.criteria"
    yield from _repeats(path, "id", (criterion.id for criterion in eligibility.criteria))
    kinds = {fact.id: kind_of_fact(fact) for fact in eligibility.facts}
    for index, criterion in enumerate(eligibility.criteria):
        if criterion.id[0] != criterion.kind[0].upper():
            yield Mistake(
                f"{path}[{index}].id",
                f"an {criterion.kind} begins with {criterion.kind[0].upper()}",
            )
        yield from misfits(f"{path}[{index}].when", criterion.when, kinds)
        if criterion.flag is not None:
            yield from misfits(f"{path}[{index}].flag", criterion.flag, kinds)


# --- visits ---------------------------------------------------------------------------


def _visits(protocol: Protocol) -> Iterator[Mistake]:
    visits, grading = protocol.visits, protocol.grading
    yield from _visit_codes(visits)
    for index, rule in enumerate(visits.schedule):
        path = f"visits.schedule[{index}]"
        if rule.slot and not rule.graded:
            yield Mistake(f"{path}.slot", "a slot of the endpoint's coverage is graded")
        if rule.highest_grade is not None and not (
            rule.graded and grading.minimum <= rule.highest_grade <= grading.maximum
        ):
            yield Mistake(f"{path}.highest_grade", "must be a grade, at a visit that is graded")
        if rule.repeat_every_days is None:
            continue
        if rule.anchor is not Anchor.RT_START:
            yield Mistake(f"{path}.anchor", "a repeated visit counts from rt_start")
        if rule.latest - rule.earliest >= rule.repeat_every_days:
            yield Mistake(f"{path}.repeat_every_days", "the windows of the repetitions overlap")


def _visit_codes(visits: Visits) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, rule in enumerate(visits.schedule):
        repeated = rule.repeat_every_days is not None
        weeks = range(1, WEEKS + 1) if repeated else range(1)
        codes = {rule.code.replace("{n}", str(week)) for week in weeks}
        for code in sorted(codes & seen)[:1]:
            yield Mistake(f"visits.schedule[{index}].code", f"{code} is already used")
        seen |= codes


# --- grading --------------------------------------------------------------------------


def _grading(grading: Grading) -> Iterator[Mistake]:
    yield from _range("grading", grading.minimum, grading.maximum)
    components = list(_components(grading.components))
    yield from components
    yield from _repeats("grading.scales", "id", (scale.id for scale in grading.scales))
    if all(scale.id != "protocol" for scale in grading.scales):
        yield Mistake("grading.scales", "the primary scale, protocol, is missing")
    kinds = {component.id: kind_of_component(component) for component in grading.components}
    for index, scale in enumerate(grading.scales):
        path = f"grading.scales[{index}].grades"
        wrong = [*_grades(path, scale, grading), *_grade_conditions(path, scale, kinds)]
        yield from wrong
        if not wrong and not components:
            yield from _coverage(path, scale, grading.components)
    yield from _repeats("grading.impossible", "id", (one.id for one in grading.impossible))
    for index, one in enumerate(grading.impossible):
        path = f"grading.impossible[{index}].when"
        unfit = list(misfits(path, one.when, kinds))
        yield from unfit
        if not unfit and not components:
            yield from _some_possible(path, one.when, grading.components)


def _some_possible(
    path: str, when: Condition, components: Sequence[Component]
) -> Iterator[Mistake]:
    """Whether the combination can be entered at all, and leaves others that can."""
    verdicts = {evaluate(when, observed, date.min) for observed in _every_combination(components)}
    if True not in verdicts:
        yield Mistake(path, "holds for no assessment")
    elif False not in verdicts:
        yield Mistake(path, "holds for every assessment")


def _every_combination(components: Sequence[Component]) -> Iterator[dict[str, Scalar]]:
    ids = [component.id for component in components]
    for values in product(*(_values(component) for component in components)):
        yield dict(zip(ids, values, strict=True))


def _components(components: Sequence[Component]) -> Iterator[Mistake]:
    yield from _repeats("grading.components", "id", (component.id for component in components))
    for index, component in enumerate(components):
        path = f"grading.components[{index}]"
        range_given = (component.minimum is not None, component.maximum is not None)
        if bool(component.choices) == any(range_given) or any(range_given) != all(range_given):
            yield Mistake(path, "give either choices or minimum and maximum")
        yield from _range(path, component.minimum, component.maximum)


def _grades(path: str, scale: Scale, grading: Grading) -> Iterator[Mistake]:
    listed = [row.grade for row in scale.grades]
    yield from _repeats(path, "grade", listed)
    grades = range(grading.minimum, grading.maximum + 1)
    for index, grade in enumerate(listed):
        if grade not in grades:
            yield Mistake(f"{path}[{index}].grade", f"{grade} is outside the grading's range")
    for grade in grades:
        if grade not in listed:
            yield Mistake(path, f"grade {grade} is missing")


def _grade_conditions(path: str, scale: Scale, kinds: Mapping[str, Kind]) -> Iterator[Mistake]:
    for index, row in enumerate(scale.grades):
        yield from misfits(f"{path}[{index}].when", row.when, kinds)


def _coverage(path: str, scale: Scale, components: Sequence[Component]) -> Iterator[Mistake]:
    """Whether every combination of components has a grade, and every grade a combination."""
    reached: set[int] = set()
    for observed in _every_combination(components):
        rows = enumerate(scale.grades)
        first = next((i for i, row in rows if evaluate(row.when, observed, date.min)), None)
        if first is None:
            shown = ", ".join(f"{name} {written(value)}" for name, value in observed.items())
            yield Mistake(path, f"no grade for {shown}")
            return
        reached.add(first)
    for index in range(len(scale.grades)):
        if index not in reached:
            yield Mistake(f"{path}[{index}].when", "holds for no assessment left by those above")


def _values(component: Component) -> Sequence[Scalar]:
    if component.minimum is None or component.maximum is None:
        return component.choices
    return range(component.minimum, component.maximum + 1)


# --- endpoint, adverse events, assumptions ----------------------------------------------


def _endpoint(protocol: Protocol) -> Iterator[Mistake]:
    rule, grading = protocol.endpoint, protocol.grading
    for field, grade in (("any_grade", rule.any_grade), ("severe_grade", rule.severe_grade)):
        if not grading.minimum < grade <= grading.maximum:
            yield Mistake(f"endpoint.{field}", f"{grade} is not a grade above the lowest")
    if rule.any_grade > rule.severe_grade:
        yield Mistake("endpoint.any_grade", "must not be above the severe grade")
    slots = [visit for visit in protocol.visits.schedule if visit.slot]
    if not slots:
        yield Mistake("endpoint.coverage_share", "the schedule has no slot to cover")
    last = rule.last_grading_from_day
    if last > rule.window_days_after_rt_end:
        yield Mistake("endpoint.last_grading_from_day", "lies after the endpoint's window")
    elif slots and max(_latest_day(slot) for slot in slots) < last:
        yield Mistake("endpoint.last_grading_from_day", "no slot of the schedule is that late")


def _latest_day(slot: VisitRule) -> float:
    """The latest day of a slot, counted from the last fraction, which bounds repeated visits."""
    if slot.anchor is Anchor.RT_END:
        return slot.latest
    return -inf if slot.repeat_every_days is None else 0


def _adverse_events(protocol: Protocol) -> Iterator[Mistake]:
    rule = protocol.adverse_events
    if rule.dictionary_version not in terms.versions():
        yield Mistake(
            "adverse_events.dictionary_version", f"no terms of version {rule.dictionary_version}"
        )
    yield from _repeats("adverse_events.clocks", "id", (clock.id for clock in rule.clocks))
    covered = {clock.applies_to for clock in rule.clocks}
    for case in CLOCKED:
        if case not in covered:
            yield Mistake("adverse_events.clocks", f"no clock for {case}")
    for index, clock in enumerate(rule.clocks):
        yield from _clock(f"adverse_events.clocks[{index}]", clock)
    yield from _stopping_rules(protocol)


def _clock(path: str, clock: SafetyClock) -> Iterator[Mistake]:
    for index, recipient in enumerate(clock.recipients):
        if recipient in clock.recipients[:index]:
            yield Mistake(f"{path}.recipients[{index}]", f"{recipient} is already named")
    leads = clock.remind_hours_before
    for index, hours in enumerate(leads):
        if hours >= clock.shortest_hours:
            yield Mistake(f"{path}.remind_hours_before[{index}]", "is not shorter than the clock")
        if index and hours >= leads[index - 1]:
            yield Mistake(f"{path}.remind_hours_before[{index}]", "name the longest first")


def _stopping_rules(protocol: Protocol) -> Iterator[Mistake]:
    path, rules = "adverse_events.stopping_rules", protocol.adverse_events.stopping_rules
    arms = {arm.code: arm for arm in protocol.arms}
    yield from _repeats(path, "id", (rule.id for rule in rules))
    for index, rule in enumerate(rules):
        arm = arms.get(rule.arm)
        if arm is None:
            yield Mistake(f"{path}[{index}].arm", "is not an arm")
        elif rule.counts.related_only and not arm.receives_study_drug:
            yield Mistake(
                f"{path}[{index}].counts.related_only", f"the arm {arm.code} receives no study drug"
            )
        if rule.minimum_subjects > protocol.randomization.cap:
            yield Mistake(f"{path}[{index}].minimum_subjects", "the trial never has so many")


def _assumptions(protocol: Protocol, document: Json) -> Iterator[Mistake]:
    yield from _repeats("assumptions", "id", (ruling.id for ruling in protocol.assumptions))
    for index, ruling in enumerate(protocol.assumptions):
        for number, path in enumerate(ruling.parameters):
            try:
                value_at(document, path)
            except KeyError:
                yield Mistake(
                    f"assumptions[{index}].parameters[{number}]", f"the document has no {path}"
                )
