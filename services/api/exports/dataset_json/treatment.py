"""EX: the study drug taken, day by day. PR: radiotherapy as it was delivered."""

from collections.abc import Iterator

from services.api.exports.dataset_json import terminology as ct
from services.api.exports.dataset_json.domain import Domain, Participant, Row, Variable, iso
from services.api.exports.extract import Part


def _exposures(one: Participant) -> Iterator[Row]:
    """The days on which the study drug was taken; a day without it is no exposure."""
    protocol = one.extract.protocol
    told = protocol.adverse_events.case_report
    for row in one.record.current(Part.EXPOSURES):
        if row.applications == 0:
            continue
        yield Row(
            {
                "EXSPID": str(row.id),
                "EXTRT": told.study_drug.upper(),
                "EXDOSE": row.applications * protocol.treatment.dose_ml,
                "EXDOSU": "mL",
                "EXDOSFRM": told.dose_form.upper(),
                "EXROUTE": told.route.upper(),
                "EXSTDTC": iso(row.day),
                "EXENDTC": iso(row.day),
                "EXSTDY": one.study_day(row.day),
                "EXENDY": one.study_day(row.day),
            },
            {"EXAPPL": row.applications, "EXMISS": row.missed_reason},
        )


EX = Domain(
    "EX",
    "Exposure",
    (
        Variable("EXSPID", "Sponsor-Defined Identifier"),
        Variable("EXTRT", "Name of Treatment", key=3),
        Variable("EXDOSE", "Dose", "float"),
        Variable("EXDOSU", "Dose Units", codes=ct.UNIT),
        Variable("EXDOSFRM", "Dose Form"),
        Variable("EXROUTE", "Route of Administration"),
        Variable("EXSTDTC", "Start Date/Time of Treatment", "date", key=4),
        Variable("EXENDTC", "End Date/Time of Treatment", "date"),
        Variable("EXSTDY", "Study Day of Start of Treatment", "integer"),
        Variable("EXENDY", "Study Day of End of Treatment", "integer"),
    ),
    _exposures,
    (Part.EXPOSURES, Part.ALLOCATIONS),
    {"EXAPPL": "Applications on the Day", "EXMISS": "Reason for Fewer Applications"},
)


def _courses(one: Participant) -> Iterator[Row]:
    """The course of a subject whose radiotherapy has begun."""
    row = one.record.one(Part.RADIOTHERAPY)
    if row is None or row.first_fraction_on is None:
        return
    yield Row(
        {
            "PRTRT": "RADIOTHERAPY",
            "PRDOSE": row.delivered_dose_gy,
            "PRDOSU": None if row.delivered_dose_gy is None else "Gy",
            "PRSTDTC": iso(row.first_fraction_on),
            "PRENDTC": iso(row.last_fraction_on),
            "PRSTDY": one.study_day(row.first_fraction_on),
            "PRENDY": one.study_day(row.last_fraction_on),
        },
        {
            "PRPLDOSE": row.planned_dose_gy,
            "PRPLFRAC": row.planned_fractions,
            "PRFRAC": row.delivered_fractions,
            "PRCHEMO": "Y" if row.concurrent_chemotherapy else "N",
        },
    )


PR = Domain(
    "PR",
    "Procedures",
    (
        Variable("PRTRT", "Reported Name of Procedure", key=3),
        Variable("PRDOSE", "Dose", "float"),
        Variable("PRDOSU", "Dose Units", codes=ct.UNIT),
        Variable("PRSTDTC", "Start Date/Time of Procedure", "date", key=4),
        Variable("PRENDTC", "End Date/Time of Procedure", "date"),
        Variable("PRSTDY", "Study Day of Start of Procedure", "integer"),
        Variable("PRENDY", "Study Day of End of Procedure", "integer"),
    ),
    _courses,
    (Part.RADIOTHERAPY, Part.ALLOCATIONS),
    {
        "PRPLDOSE": "Planned Dose in Gy",
        "PRPLFRAC": "Planned Fractions",
        "PRFRAC": "Delivered Fractions",
        "PRCHEMO": "Concurrent Chemotherapy",
    },
)
