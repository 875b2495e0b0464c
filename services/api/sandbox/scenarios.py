"""The scenarios that a sandbox can begin with: what each holds, for those who choose one."""

from collections.abc import Mapping
from enum import StrEnum

HIGHEST_SEED = 2**31 - 1


class Scenario(StrEnum):
    """How far the trial is when practising begins."""

    EMPTY = "empty"
    SCREENING = "screening"
    MID_TRIAL = "mid-trial"
    CLOSED_OUT = "closed-out"


DESCRIPTIONS: Mapping[Scenario, str] = {
    Scenario.EMPTY: "Demo accounts and activated sites, no subject; clinical time is real time.",
    Scenario.SCREENING: (
        "At every site subjects in each stage of screening: just entered, without facts, with"
        " results missing, ineligible, eligible and unsigned, without a plan, ready to randomize."
    ),
    Scenario.MID_TRIAL: (
        "Subjects in every state of treatment and follow-up: visits due, overdue and missed,"
        " second gradings with an open adjudication, a reaction whose deadline is near, open"
        " queries, subjects who stopped the study drug, withdrew, were lost or died."
    ),
    Scenario.CLOSED_OUT: (
        "Everybody is followed up: endpoints are decided, queries closed, records and the trial"
        " locked."
    ),
}
"""What each holds, in a sentence."""
