"""What a field of one name means wherever it stands, said once.

A schema that has more to say of its own field says it there; this is what
the document tells of the others. Dates are local calendar dates of the trial's
time zone; times are RFC 3339 in UTC.
"""

from collections.abc import Mapping

EVERYWHERE: Mapping[str, str] = {
    # --- of every record -----------------------------------------------------------------
    "id": "Names this record for good: a UUIDv7, so ids rise in the order of making.",
    "subject_id": "The `id` of the subject whom it is about.",
    "site": "The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is"
    " not yours do not exist for you.",
    "items": "The rows of this page, in the order that the list has.",
    "protocol_version": "The version of the protocol that was in force when it was recorded;"
    " `GET /v1/protocol-versions/{version}` has the document.",
    "recorded_at": "When it was written down, by the service's own clock (21 CFR 11.10(e)); what"
    " it tells of may be earlier.",
    "created_at": "When it was made, by the service's own clock.",
    "published_at": "When it was published, by the service's own clock; nothing changes it after.",
    "version": "Counts the versions of the record, from 1: every change makes the next one and"
    " keeps those before (ICH E6(R3) 4.2.2).",
    "reason": "Why it was changed last; null in the first version.",
    "links": "Where to go from here, as paths of this service.",
    "active": "Whether the account can be used. Accounts are never deleted: the trail names them.",
    # --- people and machines -------------------------------------------------------------
    "username": "The name to sign in with: lower-case letters, digits, point, hyphen, underscore.",
    "client_id": "The name that the system signs in with; it never changes.",
    "totp": "The six digits that the authenticator shows now (RFC 6238), of who has one.",
    "password": "The signer's own password, once more: a token alone signs nothing"
    " (21 CFR 11.200(a)). Wrong ones are slowed down, and stand in the trail.",
    # --- subjects ------------------------------------------------------------------------
    "number": "The subject's number in the trial: the site's code and a count, which is all that"
    " reports and case reports name the subject by.",
    "sex": "Sex as recorded at birth.",
    "year_of_birth": "The year alone: the trial keeps no date of birth.",
    "signed_on": "The local day on which the subject signed: not after today.",
    "withdrawn_on": "The local day on which the subject withdrew: from then on nothing is observed"
    " any more, and what was recorded before stays.",
    "consent_version": "The version of the consent form that the ethics committee approved.",
    "ethics_reference": "The number under which the ethics committee files its approval.",
    "approved_on": "The local day of the approval: a site recruits from then on (ICH E6(R3)"
    " 4.3.5).",
    # --- radiotherapy and randomization --------------------------------------------------
    "planned_dose_gy": "The planned total dose, in gray (Gy).",
    "planned_fractions": "Into how many fractions the planned dose is divided.",
    "planned_start": "The local day planned for the first fraction: the visits follow it until the"
    " real first one is recorded.",
    "concurrent_chemotherapy": "Whether chemotherapy is given along with radiotherapy. Where the"
    " protocol stratifies by it, a wrong value puts the subject into the wrong stratum, and"
    " nothing takes that back.",
    "first_fraction_on": "The local day of the first fraction given. From then on visits and the"
    " endpoint's window are counted, and the subject is not randomized any more.",
    "last_fraction_on": "The local day of the last fraction given: the follow-up is counted from"
    " it. Null while radiotherapy goes on.",
    "delivered_dose_gy": "The total dose given so far, in gray (Gy).",
    "delivered_fractions": "How many fractions were given so far.",
    "randomization_number": "The allocation's own number: the stratum and the place in it. It says"
    " nothing of the arm.",
    "randomized_at": "When the allocation was drawn, by the trial's clock.",
    "discovered_on": "The local day on which the error came to light.",
    # --- visits and gradings -------------------------------------------------------------
    "visit": "The code of the visit at which it was made, as in the subject's schedule.",
    "assessed_at": "When the mouth was looked at, not when it was written down: not in the future,"
    " and on the visit's day.",
    "mucosal_appearance": "What the mucosa looks like at its worst place.",
    "ulceration": "Whether there is an ulcer anywhere in the mouth.",
    "pain_score": "The worst oral pain on the numeric rating scale, 0 (none) to 10 (the worst"
    " imaginable).",
    "analgesic": "The strongest analgesic that the oral pain needs.",
    "diet": "What the subject can eat.",
    "missed_reason": "Why it did not take place, in words, for the reader of the record.",
    "occurred_on": "The local day on which it happened.",
    # --- exposures -----------------------------------------------------------------------
    "day": "The local day on which the study drug was taken.",
    # --- adverse events (ICH E2A, E2B(R3), CTCAE) ----------------------------------------
    "onset_on": "The local day on which the event began, at this grade.",
    "resolved_on": "The local day on which it was over; null while it lasts.",
    "aware_at": "When the site learnt of it: day 0 of every clock of safety reporting (ICH E2A).",
    "serious": "Whether it is serious by the criteria of ICH E2B(R3) E.i.3.2, which is another"
    " question than how severe it is. A serious event starts the clocks; a wrong no here is a"
    " report that is missed.",
    "seriousness": "Which of the criteria make it serious; empty of an event that is not.",
    "causality": "The investigator's judgment, of each treatment by itself.",
    "study_drug": "How likely it is that the study drug caused it; what makes a serious event a"
    " suspected reaction.",
    "action_taken": "What was done with the study drug because of it.",
    "outcome": "How the event stands, or how it ended (ICH E2B(R3) E.i.7).",
    "narrative": "The event in words. Name no person: it goes into case reports as it stands.",
    "sponsor_causality": "How likely the sponsor's safety officer holds it that the study drug"
    " caused it. Where the two differ, the event is reported all the same (ICH E2A).",
    "receipt": "How the recipient acknowledged it: a number or reference, no person's name.",
    # --- signatures (21 CFR part 11) -----------------------------------------------------
    "meaning": "What the signer states by it (21 CFR 11.50(a)(3)), in these very words.",
    "signer": "The `id` of the account that signed.",
    "signed_at": "When it was signed, by the service's own clock (21 CFR 11.50(a)(2)).",
    "evaluation_hash": "The evaluation that it covers: SHA-256, in hexadecimal, over facts,"
    " verdicts, protocol version, subject and version.",
    "content_hash": "The version that it covers: SHA-256, in hexadecimal, over all that the record"
    " said.",
}
"""What a field means where its schema says nothing of it."""

ASKED: Mapping[str, str] = {
    "reason": "Why: 3 to 500 characters, kept in the audit trail beside what changes"
    " (ICH E6(R3) 4.2.2).",
}
"""The same, where the caller sends the field, and it means something else than in an answer."""
