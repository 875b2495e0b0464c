"""The item groups: every column of the trial is an item, or is left out for a reason."""

from services.api.exports.csv.files import FILES
from services.api.exports.extract import EVERYTHING
from services.api.exports.odm.groups import groups
from services.api.protocol.load import load
from services.api.settings import Settings

PROTOCOL = load(Settings().protocol_document).protocol

LEFT_OUT = {
    "subject": "the subject's key",
    "site": "the subject's site",
    "version": "the order of the transactions",
    "reason": "the audit record",
    "recorded_at": "the audit record",
    "recorded_by": "the audit record",
    "recorded_by_role": "the user",
    "withdrawal_reason": "the audit record",
    "withdrawal_recorded_at": "the audit record",
    "withdrawal_recorded_by": "the audit record",
    "arm": "randomizations has it; a subject's line repeats it",
    "randomized_at": "randomizations has it; a subject's line repeats it",
    "visit": "the study event",
    "signed_at": "the signature",
    "verified_at": "verifications",
    "last_step": "query_steps",
    "steps": "query_steps",
}
"""Columns of the CSV export that are no items, and where they are."""

ELSEWHERE = {
    "eligibility_facts": "an item for each fact",
    "eligibility_criteria": "an item for each criterion",
    "signatures": "signatures of ODM",
    "superseded": "transactions of ODM",
}
"""Files of the CSV export that are no item groups."""

ONLY_THERE = {"randomizations", "subjects"}


def test_every_column_of_the_trial_is_an_item_or_left_out_for_a_reason() -> None:
    by_name = {group.name: group for group in groups(PROTOCOL)}
    for file in FILES:
        if file.name in ELSEWHERE:
            continue
        items = {item.name.split(".")[0] for item in by_name[file.name].items}
        for column in file.columns:
            assert column.name in items or column.name in LEFT_OUT, (file.name, column.name)
    arms = {item.name for item in by_name["randomizations"].items}
    assert {"arm", "randomized_at"} <= arms


def test_every_part_of_the_record_is_read() -> None:
    read = {part for group in groups(PROTOCOL) for part in group.parts}
    assert read == set(EVERYTHING)


def test_names_are_told_apart() -> None:
    every = groups(PROTOCOL)
    assert len({group.name for group in every}) == len(every)
    for group in every:
        assert len({item.name for item in group.items}) == len(group.items)
