"""Every constraint refuses, by itself, what it is there to refuse."""

from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.rows import scalar_row

from tests.lived import CLINICAL, FRESH, NEW, Changes, Lived, insert_copy, lift, name

UNKNOWN = {"protocol_version": "9.9"}
VERSIONS = [{"version": 0}, {"version": -1}]
UNREASONED = [{"version": 2, "reason": None}]
SYSTEM = [{"signer_role": "hospital_system"}]

VIOLATIONS: dict[str, tuple[str, list[Changes]]] = {
    # CHECK
    "account_can_sign_in": (
        "account",
        [
            {"kind": "user", "secret_hash": None, "jwks": None},
            {"kind": "client", "secret_hash": None, "jwks": None},
        ],
    ),
    "account_jwks_of_client": ("account", [{"kind": "user", "jwks": {"keys": []}}]),
    "account_role_of_kind": (
        "account",
        [
            {"kind": "user", "role": "hospital_system"},
            {"kind": "client", "role": "monitor"},
        ],
    ),
    "account_sites_of_role": (
        "account",
        [{"role": "investigator", "sites": []}, {"role": "auditor", "sites": ["NN"]}],
    ),
    "account_totp_has_secret": (
        "account",
        [{"totp_secret": None, "totp_confirmed_at": "2026-01-01T00:00:00Z"}],
    ),
    "account_version_from_one": ("account", VERSIONS),
    "account_session_cause_known": (
        "account_session",
        [{"ended_at": "2026-01-01T00:00:00Z", "ended_because": "bored"}],
    ),
    "account_session_end_has_cause": (
        "account_session",
        [
            {"ended_at": "2026-01-01T00:00:00Z", "ended_because": None},
            {"ended_at": None, "ended_because": "signed_out"},
        ],
    ),
    "account_session_generation_counts": ("account_session", [{"generation": -1}]),
    "account_kind_known": ("account", [{"kind": "robot"}, {"kind": ""}]),
    "adjudication_change_has_reason": (
        "adjudication",
        [{"version": 2, "grade": 2, "reason": None}],
    ),
    "adjudication_decided_from_version_two": (
        "adjudication",
        [{"grade": 2}, {"version": 2, "reason": "Seen"}],
    ),
    "adjudication_grade_known": (
        "adjudication",
        [{"version": 2, "reason": "Seen", "grade": grade} for grade in (-1, 5)],
    ),
    "adjudication_version_from_one": ("adjudication", VERSIONS),
    "certificate_change_has_reason": ("certificate", UNREASONED),
    "certificate_days_in_order": ("certificate", [{"valid_until": "2000-01-01"}]),
    "certificate_version_from_one": ("certificate", VERSIONS),
    "adverse_event_action_known": ("adverse_event", [{"action_taken": "more"}]),
    "adverse_event_causality_known": (
        "adverse_event",
        [
            {"causality_study_drug": "perhaps"},
            {"causality_radiotherapy": "perhaps"},
            {"sponsor_causality": "perhaps"},
        ],
    ),
    "adverse_event_change_has_reason": ("adverse_event", UNREASONED),
    "adverse_event_coded": ("adverse_event", [{"meddra_code": "1001395"}, {"meddra_code": ""}]),
    "adverse_event_expected_by_document": (
        "adverse_event",
        [{"expectedness": None, "reference_version": "1.0"}],
    ),
    "adverse_event_expectedness_known": ("adverse_event", [{"expectedness": "perhaps"}]),
    "adverse_event_informed_when_aware": (
        "adverse_event",
        [{"informed_at": "2000-01-01T00:00:00Z"}],
    ),
    "adverse_event_nullified_for_good": (
        "adverse_event",
        [{"nullified": True}, {"nullified": False, "version": 2, "reason": "Revised"}],
    ),
    "adverse_event_of_case": (
        "adverse_event",
        [{"first_id": None}, {"continues": None}, {"continuation": None}, {"continuation": 0}],
    ),
    "adverse_event_told_whole": (
        "adverse_event",
        [{"meddra_version": None}, {"informed_at": None}, {"received_at": None}],
    ),
    "adverse_event_grade_known": ("adverse_event", [{"grade": 0}, {"grade": 6}]),
    "adverse_event_onset_first": ("adverse_event", [{"resolved_on": "2000-01-01"}]),
    "adverse_event_outcome_known": ("adverse_event", [{"outcome": "better"}]),
    "adverse_event_serious_by_criterion": (
        "adverse_event",
        [{"serious": False}, {"seriousness": []}],
    ),
    "adverse_event_version_from_one": ("adverse_event", VERSIONS),
    "adverse_event_signature_meaning_known": (
        "adverse_event_signature",
        [{"meaning": "I confirm the grading"}, {"meaning": ""}],
    ),
    "adverse_event_signed_by_person": ("adverse_event_signature", SYSTEM),
    "commitment_is_one": ("randomization_commitment", [{"id": 2}]),
    "commitment_root_length": ("randomization_commitment", [{"root": "\\x00"}]),
    "data_query_code_of_system": (
        "data_query",
        [{"origin": "system", "code": None}, {"origin": "person", "code": "noticed"}],
    ),
    "data_query_origin_known": ("data_query", [{"origin": "rumour"}]),
    "data_query_record_known": ("data_query", [{"record": "diary"}]),
    "data_query_step_known": ("data_query_step", [{"step": "shrug"}]),
    "data_query_step_of_whom": (
        "data_query_step",
        [{"role": None, "name": "Monitor"}, {"role": "monitor", "name": None}],
    ),
    "data_query_step_raised_first": ("data_query_step", [{"version": 1}, {"step": "raise"}]),
    "data_query_step_version_from_one": ("data_query_step", VERSIONS),
    "deviation_source_known": ("deviation", [{"source": "rumour"}]),
    "discontinuation_change_has_reason": ("discontinuation", UNREASONED),
    "discontinuation_study_cause_known": (
        "discontinuation",
        [{"study_on": "2027-01-01", "study_cause": "bored", "study_detail": "x"}],
    ),
    "discontinuation_study_whole": (
        "discontinuation",
        [{"study_on": "2099-01-01"}, {"study_cause": "other"}, {"study_detail": "x"}],
    ),
    "discontinuation_treatment_cause_known": ("discontinuation", [{"treatment_cause": "bored"}]),
    "discontinuation_treatment_first": ("discontinuation", [{"study_on": "2000-01-01"}]),
    "discontinuation_treatment_whole": (
        "discontinuation",
        [{"treatment_on": None}, {"treatment_cause": None}, {"treatment_detail": None}],
    ),
    "discontinuation_version_from_one": ("discontinuation", VERSIONS),
    "exposure_applications_known": ("exposure", [{"applications": -1}, {"applications": 21}]),
    "exposure_change_has_reason": ("exposure", UNREASONED),
    "exposure_version_from_one": ("exposure", VERSIONS),
    "safety_deadline_lapsed_because_known": (
        "safety_deadline",
        [{"lapsed_at": "2026-01-01T00:00:00Z", "lapsed_because": "forgotten"}],
    ),
    "safety_deadline_lapsed_for_cause": (
        "safety_deadline",
        [
            {"lapsed_at": "2026-01-01T00:00:00Z", "lapsed_because": None},
            {"lapsed_at": None, "lapsed_because": "expected"},
        ],
    ),
    "safety_deadline_met_by_a_submission": (
        "safety_deadline",
        [{"met_by": NEW, "met_at": None}, {"met_by": None, "met_at": "2026-01-01T00:00:00Z"}],
    ),
    "safety_deadline_met_or_lapsed": (
        "safety_deadline",
        [
            {
                "met_by": NEW,
                "met_at": "2026-01-01T00:00:00Z",
                "lapsed_at": "2026-01-01T00:00:00Z",
                "lapsed_because": "expected",
            }
        ],
    ),
    "safety_deadline_opening_from_one": ("safety_deadline", [{"opening": 0}]),
    "safety_deadline_recipient_known": ("safety_deadline", [{"recipient": "press"}]),
    "safety_deadline_version_from_one": ("safety_deadline", VERSIONS),
    "safety_reminder_kind_known": ("safety_reminder", [{"kind": "late", "lead_hours": 0}]),
    "safety_reminder_lead_of_near": (
        "safety_reminder",
        [
            {"kind": "near", "lead_hours": 0},
            {"kind": "missed", "lead_hours": 4},
            {"kind": "missed", "lead_hours": -1},
        ],
    ),
    "safety_submission_change_has_reason": ("safety_submission", UNREASONED),
    "safety_submission_kind_known": ("safety_submission", [{"kind": "rumour"}]),
    "safety_submission_recipient_known": ("safety_submission", [{"recipient": "press"}]),
    "safety_submission_version_from_one": ("safety_submission", VERSIONS),
    "eligibility_evaluation_change_has_reason": ("eligibility_evaluation", UNREASONED),
    "eligibility_evaluation_version_from_one": ("eligibility_evaluation", VERSIONS),
    "eligibility_signature_meaning_known": (
        "eligibility_signature",
        [{"meaning": "I have reviewed the adverse event"}, {"meaning": ""}],
    ),
    "eligibility_signed_by_person": ("eligibility_signature", SYSTEM),
    "eligibility_overall_known": ("eligibility_evaluation", [{"overall": "maybe"}]),
    "grading_analgesic_known": ("grading", [{"analgesic": "rest"}]),
    "grading_appearance_known": ("grading", [{"mucosal_appearance": "fine"}]),
    "grading_change_has_reason": ("grading", UNREASONED),
    "grading_diet_known": ("grading", [{"diet": "low salt"}]),
    "grading_grade_known": ("grading", [{"grade": 5}, {"grade": -1}]),
    "grading_pain_score_known": ("grading", [{"pain_score": 11}, {"pain_score": -1}]),
    "grading_signature_meaning_known": (
        "grading_signature",
        [{"meaning": "I confirm eligibility"}, {"meaning": ""}],
    ),
    "grading_signed_by_person": ("grading_signature", SYSTEM),
    "grading_version_from_one": ("grading", VERSIONS),
    "radiotherapy_change_has_reason": ("radiotherapy", UNREASONED),
    "radiotherapy_delivered_fractions": (
        "radiotherapy",
        [{"delivered_fractions": -1}, {"delivered_fractions": 101}],
    ),
    "radiotherapy_delivered_plausible": (
        "radiotherapy",
        [
            {"delivered_dose_gy": "NaN"},
            {"delivered_dose_gy": "Infinity"},
            {"delivered_dose_gy": -0.1},
            {"delivered_dose_gy": 200.1},
        ],
    ),
    "radiotherapy_dose_plausible": (
        "radiotherapy",
        [
            {"planned_dose_gy": "NaN"},
            {"planned_dose_gy": "-Infinity"},
            {"planned_dose_gy": 0.9},
            {"planned_dose_gy": 200.1},
        ],
    ),
    "radiotherapy_first_before_last": (
        "radiotherapy",
        [{"first_fraction_on": "2026-03-02", "last_fraction_on": "2026-03-01"}],
    ),
    "radiotherapy_fractions": (
        "radiotherapy",
        [{"planned_fractions": 0}, {"planned_fractions": 101}],
    ),
    "radiotherapy_last_needs_first": (
        "radiotherapy",
        [{"first_fraction_on": None, "last_fraction_on": "2026-03-01"}],
    ),
    "radiotherapy_version_from_one": ("radiotherapy", VERSIONS),
    "stratum_draws_have_a_time": (
        "stratum",
        [
            {"drawn": -1},
            {"drawn": 1, "drawn_at": None},
            {"drawn": 0, "drawn_at": "2026-01-01T00:00:00Z"},
        ],
    ),
    "randomization_correction_criteria_named": (
        "randomization_correction",
        [{"criteria": []}, {"criteria": ["I01", None]}],
    ),
    "randomization_correction_criteria_of_kind": (
        "randomization_correction",
        [{"kind": "ineligible"}, {"criteria": ["I01"]}],
    ),
    "randomization_correction_kind_known": (
        "randomization_correction",
        [{"kind": "wrong_arm"}, {"kind": ""}],
    ),
    "randomization_correction_pair_of_kind": (
        "randomization_correction",
        [
            {"pair": None},
            {"retained": None},
            {"pair": None, "retained": None},
            {"kind": "ineligible"},
            {"kind": "ineligible", "pair": None},
            {"kind": "ineligible", "retained": None},
        ],
    ),
    "randomization_correction_stratum_of_kind": (
        "randomization_correction",
        [{"kind": "wrong_stratum"}, {"stratum": "NN-N"}],
    ),
    "sandbox_clock_is_one": ("sandbox_clock", [{"id": 2}, {"id": 0}]),
    "slot_from_one": ("randomization_slot", [{"seq": 0}, {"seq": -1}]),
    "status_is_success": ("idempotent_answer", [{"status": 199}, {"status": 300}]),
    "subject_born_plausibly": ("subject", [{"year_of_birth": 1899}, {"year_of_birth": 2200}]),
    "reference_document_expects_a_list": ("reference_document", [{"expected": {}}]),
    "subject_died_on_a_day": ("subject", [{"died_on": "2026-11-20", "left_on": None}]),
    "subject_left_on_a_day": (
        "subject",
        [{"status": status, "left_on": "2027-01-01"} for status in ("completed", "screen_failed")],
    ),
    "subject_number_of_site": (
        "subject",
        [{"number": number} for number in ("LZ-0001", "NN-001", "NN-00001", "NN0001", "NN-0001 ")],
    ),
    "stopping_evaluation_events": ("stopping_evaluation", [{"events": -1}]),
    "stopping_evaluation_probability": ("stopping_evaluation", [{"probability": 1.5}]),
    "stopping_evaluation_reached_at_boundary": (
        "stopping_evaluation",
        [{"boundary": None, "reached": True}, {"boundary": 0, "reached": False}],
    ),
    "study_lock_state_known": ("study_lock", [{"state": "ajar"}]),
    "study_lock_version_from_one": ("study_lock", VERSIONS),
    "subject_lock_state_known": ("subject_lock", [{"state": "ajar"}]),
    "subject_lock_version_from_one": ("subject_lock", VERSIONS),
    "subject_sex_known": ("subject", [{"sex": "unknown"}]),
    "subject_status_known": ("subject", [{"status": "cured"}]),
    "overdue_search_single": ("overdue_search", [{"id": 2}]),
    "total_is_one": ("randomization_total", [{"id": 2}]),
    "total_within_cap": ("randomization_total", [{"allocated": -1}, {"allocated": 100_000}]),
    "visit_change_has_reason": ("visit", UNREASONED),
    "visit_done_or_missed": (
        "visit",
        [{"visited_on": None}, {"missed_reason": "Away"}],
    ),
    "visit_version_from_one": ("visit", VERSIONS),
    "feed_event_at_its_site": ("feed_event", [{"site": None}]),
    "feed_reader_position_from_zero": ("feed_reader", [{"position": -1}]),
    "postponed_event_was_tried": ("postponed_event", [{"attempts": 0}]),
    "webhook_ended_is_inactive": ("webhook", [{"ended_at": "2026-01-01T00:00:00Z"}]),
    "webhook_gone_is_inactive": ("webhook", [{"gone": True}]),
    "webhook_of_sites": ("webhook", [{"sites": "{}"}]),
    "webhook_of_types": ("webhook", [{"types": "{}"}]),
    "webhook_version_from_one": ("webhook", [{"version": 0}]),
    "webhook_delivery_attempts_from_zero": ("webhook_delivery", [{"attempts": -1}]),
    "webhook_delivery_state_known": ("webhook_delivery", [{"state": "lost"}]),
    "webhook_delivery_was_tried": (
        "webhook_delivery",
        [{"state": "delivered", "attempted_at": None}],
    ),
    # UNIQUE: everything that may differ does
    "feed_event_once_index": ("feed_event", [{"id": NEW, "position": None, "once": "told once"}]),
    "feed_event_id_index": ("feed_event", [{"position": None, "once": None}]),
    "feed_event_position_index": ("feed_event", [{"id": NEW, "once": None}]),
    "feed_reader_pkey": ("feed_reader", [{"position": 9}]),
    "postponed_event_pkey": ("postponed_event", [{"attempts": 9}]),
    "webhook_pkey": ("webhook", [{"url": "https://another.example/"}]),
    "webhook_secret_pkey": ("webhook_secret", [{"signs_until": "2100-01-01T00:00:00Z"}]),
    "webhook_secret_current_index": ("webhook_secret", [{"id": NEW}]),
    "webhook_delivery_pkey": ("webhook_delivery", [{"attempts": 9}]),
    "account_session_pkey": ("account_session", [{"generation": 9}]),
    "familiar_source_pkey": ("familiar_source", [{"seen_at": "2026-01-01T00:00:00Z"}]),
    "sign_in_attempt_pkey": ("sign_in_attempt", [{"at": "2026-01-01T00:00:00Z"}]),
    "used_assertion_pkey": ("used_assertion", [{"expires_at": "2026-01-01T00:00:00Z"}]),
    "account_pkey": ("account", [{"username": "new"}]),
    "adjudication_once_per_visit": ("adjudication", [{"id": NEW}]),
    "adjudication_pkey": ("adjudication", [{"visit": "RT2A"}]),
    "certificate_pkey": ("certificate", [{"training": "Another"}]),
    "account_username_unique": ("account", [{"id": NEW}]),
    "adverse_event_signature_pkey": ("adverse_event_signature", [{"version": 2}]),
    "adverse_event_signed_once": ("adverse_event_signature", [{"id": NEW}]),
    "adverse_event_site_subject_id_id_version_unique": ("adverse_event", [{"term": "Other"}]),
    "adverse_event_pkey": ("adverse_event", [{"term": "Other"}]),
    "adverse_event_continued_once": ("adverse_event", [{"id": NEW}]),
    "reference_document_pkey": ("reference_document", [{"version": "9.9"}]),
    "reference_document_version_unique": ("reference_document", [{"id": NEW}]),
    "alembic_version_pkc": ("alembic_version", [{}]),
    "allocation_once": ("allocation", [{"id": NEW, "seq": 2}]),
    "audit_chain_pkey": ("audit_chain", [{"seq": 9}]),
    "audit_checkpoint_pkey": ("audit_checkpoint", [{"statement": "another"}]),
    "audit_event_chain_index": ("audit_event", [{"record": "another"}]),
    "audit_leaf_pkey": ("audit_leaf", [{"position": 999_999}]),
    "audit_leaf_position_index": ("audit_leaf", [{"event_id": 999_999}]),
    "allocation_pkey": ("allocation", [{"subject_id": NEW, "seq": 2}]),
    "allocation_slot_once": ("allocation", [{"id": NEW, "subject_id": NEW}]),
    "consent_once_per_version": ("consent", [{"id": NEW}]),
    "consent_pkey": ("consent", [{"version": "9.9"}]),
    "consent_site_subject_id_id_unique": ("consent", [{"version": "9.9"}]),
    "consent_withdrawal_pkey": ("consent_withdrawal", [{"reason": "Another"}]),
    "data_query_pkey": ("data_query", [{"record": "eligibility"}]),
    "data_query_site_subject_id_id_unique": ("data_query", [{"record": "eligibility"}]),
    "data_query_step_pkey": ("data_query_step", [{"text": "Another"}]),
    "deviation_pkey": ("deviation", [{"description": "Another"}]),
    "eligibility_evaluation_pkey": ("eligibility_evaluation", [{"overall": "ineligible"}]),
    "eligibility_evaluation_site_subject_id_version_unique": (
        "eligibility_evaluation",
        [{"overall": "ineligible"}],
    ),
    "eligibility_signature_pkey": ("eligibility_signature", [{"version": 50}]),
    "eligibility_signed_once": ("eligibility_signature", [{"id": NEW}]),
    "grading_once_per_assessor": ("grading", [{"id": NEW, "version": 1, "grade": 0}]),
    "grading_signature_pkey": ("grading_signature", [{"version": 2}]),
    "grading_signed_once": ("grading_signature", [{"id": NEW}]),
    "grading_site_subject_id_id_version_unique": ("grading", [{"visit": "RT2A"}]),
    "grading_verification_pkey": ("grading_verification", [{"version": 1}]),
    "grading_verified_once": ("grading_verification", [{"id": NEW}]),
    "grading_pkey": ("grading", [{"visit": "RT2A"}]),
    "idempotent_answer_pkey": ("idempotent_answer", [{"status": 299}]),
    "person_digest_pkey": ("person_digest", [{}]),
    "protocol_version_pkey": ("protocol_version", [{"sha256": "0" * 64}]),
    "radiotherapy_pkey": ("radiotherapy", [{"planned_dose_gy": 70}]),
    "randomization_commitment_pkey": ("randomization_commitment", [{"slots": 1}]),
    "randomization_correction_one_retained": ("randomization_correction", [{"id": NEW}]),
    "randomization_correction_pkey": ("randomization_correction", [{"pair": NEW}]),
    "randomization_slot_pkey": ("randomization_slot", [{"leaf": "\\x00"}]),
    "overdue_search_pkey": ("overdue_search", [{"after": None}]),
    "randomization_total_pkey": ("randomization_total", [{"allocated": 0}]),
    "sandbox_clock_pkey": ("sandbox_clock", [{"ahead": "1 second"}]),
    "site_activation_once": ("site_activation", [{"id": NEW}]),
    "site_activation_pkey": ("site_activation", [{"consent_version": "9.9"}]),
    "safety_deadline_once": ("safety_deadline", [{"id": NEW}]),
    "safety_deadline_pkey": ("safety_deadline", [{"opening": 50}]),
    "safety_deadline_site_subject_id_id_version_unique": ("safety_deadline", [{"opening": 50}]),
    "safety_reminder_once": ("safety_reminder", [{"id": NEW}]),
    "safety_reminder_pkey": ("safety_reminder", [{"kind": "near", "lead_hours": 9}]),
    "safety_submission_pkey": ("safety_submission", [{"receipt": "Another"}]),
    "site_pkey": ("site", [{"name": "Another"}]),
    "stratum_pkey": ("stratum", [{"site": "ZZ"}]),
    "discontinuation_pkey": ("discontinuation", [{}]),
    "exposure_once_a_day": ("exposure", [{"id": NEW}]),
    "exposure_pkey": ("exposure", [{"day": "2027-01-01"}]),
    "stopping_evaluation_pkey": ("stopping_evaluation", [{"rule": "another"}]),
    "study_lock_pkey": ("study_lock", [{"state": "locked"}]),
    "subject_lock_pkey": ("subject_lock", [{"state": "locked"}]),
    "subject_pkey": ("subject", [{"number": "NN-0099"}]),
    "subject_site_id_unique": ("subject", [{"number": "NN-0099"}]),
    "subject_site_number_unique": ("subject", [{"id": NEW}]),
    "visit_pkey": ("visit", [{"recorded_by": NEW}]),
    # FOREIGN KEY
    "postponed_event_event_id_fkey": ("postponed_event", [{"event_id": NEW}]),
    "webhook_secret_webhook_id_fkey": ("webhook_secret", [{"webhook_id": NEW}]),
    "webhook_delivery_event_id_fkey": ("webhook_delivery", [{"event_id": NEW}]),
    "webhook_delivery_webhook_id_fkey": ("webhook_delivery", [{"webhook_id": NEW}]),
    "adjudication_protocol_version_fkey": ("adjudication", [UNKNOWN]),
    "adjudication_site_subject_id_fkey": ("adjudication", [{"site": "LZ"}, {"subject_id": NEW}]),
    "certificate_assessor_fkey": ("certificate", [{"assessor": NEW}]),
    "adverse_event_protocol_version_fkey": ("adverse_event", [UNKNOWN]),
    "adverse_event_reference_version_fkey": (
        "adverse_event",
        [{"expectedness": "expected", "reference_version": "9.9"}],
    ),
    "adverse_event_site_subject_id_fkey": ("adverse_event", [{"site": "LZ"}, {"subject_id": NEW}]),
    "adverse_event_signature_of_version": (
        "adverse_event_signature",
        [{"version": 99}, {"adverse_event_id": NEW}],
    ),
    "adverse_event_signature_site_subject_id_fkey": (
        "adverse_event_signature",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "allocation_on_evaluation": ("allocation", [{"evaluation_version": 99}, {"site": "LZ"}]),
    "allocation_protocol_version_fkey": ("allocation", [UNKNOWN]),
    "allocation_site_subject_id_fkey": ("allocation", [{"site": "LZ"}]),
    "allocation_stratum_seq_fkey": ("allocation", [{"seq": 9999}, {"seq": 0}]),
    "allocation_without_gap": ("allocation", [{"seq": 3}, {"seq": 9}]),
    "audit_leaf_checkpoint_fkey": ("audit_leaf", [{"checkpoint": 99}]),
    "consent_site_subject_id_fkey": ("consent", [{"site": "LZ"}, {"subject_id": NEW}]),
    "consent_withdrawal_site_subject_id_consent_id_fkey": (
        "consent_withdrawal",
        [{"consent_id": NEW}, {"site": "LZ"}],
    ),
    "consent_withdrawal_site_subject_id_fkey": ("consent_withdrawal", [{"site": "LZ"}]),
    "data_query_site_subject_id_fkey": ("data_query", [{"site": "LZ"}, {"subject_id": NEW}]),
    "data_query_step_of_query": ("data_query_step", [{"id": NEW}]),
    "data_query_step_site_subject_id_fkey": (
        "data_query_step",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "deviation_site_subject_id_fkey": ("deviation", [{"site": "LZ"}, {"subject_id": NEW}]),
    "eligibility_evaluation_protocol_version_fkey": ("eligibility_evaluation", [UNKNOWN]),
    "eligibility_evaluation_site_subject_id_fkey": ("eligibility_evaluation", [{"site": "LZ"}]),
    "eligibility_signature_site_subject_id_fkey": ("eligibility_signature", [{"site": "LZ"}]),
    "account_session_account_fkey": ("account_session", [{"account": NEW}]),
    "used_assertion_client_fkey": ("used_assertion", [{"client": NEW}]),
    "eligibility_signature_of_version": ("eligibility_signature", [{"version": 99}]),
    "grading_signature_of_version": (
        "grading_signature",
        [{"version": 99}, {"grading_id": NEW}],
    ),
    "grading_signature_site_subject_id_fkey": (
        "grading_signature",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "grading_verification_of_version": (
        "grading_verification",
        [{"version": 99}, {"grading_id": NEW}],
    ),
    "grading_verification_site_subject_id_fkey": (
        "grading_verification",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "grading_protocol_version_fkey": ("grading", [UNKNOWN]),
    "grading_site_subject_id_fkey": ("grading", [{"site": "LZ"}, {"subject_id": NEW}]),
    "radiotherapy_protocol_version_fkey": ("radiotherapy", [UNKNOWN]),
    "radiotherapy_site_subject_id_fkey": ("radiotherapy", [{"site": "LZ"}]),
    "randomization_commitment_protocol_version_fkey": ("randomization_commitment", [UNKNOWN]),
    "randomization_correction_of_allocation": (
        "randomization_correction",
        [{"subject_id": NEW}],
    ),
    "randomization_correction_protocol_version_fkey": ("randomization_correction", [UNKNOWN]),
    "randomization_correction_stratum_fkey": (
        "randomization_correction",
        [{"kind": "wrong_stratum", "stratum": "NN-X", "pair": None, "retained": None}],
    ),
    "randomization_correction_site_subject_id_fkey": (
        "randomization_correction",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "randomization_slot_stratum_fkey": ("randomization_slot", [{"stratum": "ZZ"}]),
    "site_activation_protocol_version_fkey": ("site_activation", [UNKNOWN]),
    "site_activation_site_fkey": ("site_activation", [{"site": "ZZ"}]),
    "stratum_site_fkey": ("stratum", [{"site": "ZZ"}]),
    "discontinuation_protocol_version_fkey": ("discontinuation", [UNKNOWN]),
    "discontinuation_site_subject_id_fkey": ("discontinuation", [{"site": "LZ"}]),
    "exposure_of_allocation": ("exposure", [{"subject_id": NEW}]),
    "exposure_protocol_version_fkey": ("exposure", [UNKNOWN]),
    "exposure_site_subject_id_fkey": ("exposure", [{"site": "LZ"}]),
    "safety_deadline_protocol_version_fkey": ("safety_deadline", [UNKNOWN]),
    "safety_deadline_site_subject_id_event_id_event_version_fkey": (
        "safety_deadline",
        [{"event_version": 99}, {"event_id": NEW}],
    ),
    "safety_deadline_site_subject_id_fkey": (
        "safety_deadline",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "safety_reminder_of_deadline": (
        "safety_reminder",
        [{"deadline_version": 99}, {"deadline_id": NEW}],
    ),
    "safety_reminder_site_subject_id_fkey": (
        "safety_reminder",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "safety_submission_protocol_version_fkey": ("safety_submission", [UNKNOWN]),
    "stopping_evaluation_protocol_version_fkey": ("stopping_evaluation", [UNKNOWN]),
    "safety_submission_site_subject_id_event_id_event_version_fkey": (
        "safety_submission",
        [{"event_version": 99}, {"event_id": NEW}],
    ),
    "safety_submission_site_subject_id_fkey": (
        "safety_submission",
        [{"site": "LZ"}, {"subject_id": NEW}],
    ),
    "subject_lock_site_subject_id_fkey": ("subject_lock", [{"site": "LZ"}, {"subject_id": NEW}]),
    "subject_protocol_version_fkey": ("subject", [UNKNOWN]),
    "subject_site_fkey": ("subject", [{"site": "ZZ", "number": "ZZ-0001"}]),
    "visit_protocol_version_fkey": ("visit", [UNKNOWN]),
    "visit_site_subject_id_fkey": ("visit", [{"site": "LZ"}, {"subject_id": NEW}]),
}
"""Every constraint, its table, and rows that only it refuses."""

KINDS: dict[str, type[psycopg.Error]] = {
    "c": errors.CheckViolation,
    "f": errors.ForeignKeyViolation,
    "p": errors.UniqueViolation,
    "u": errors.UniqueViolation,
}


def test_the_constraints_are_those_that_the_tests_here_violate(lived: Lived) -> None:
    stored = lived.ask(
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND contype IN ('c', 'f', 'p', 'u')"
        " UNION SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
        " WHERE relnamespace = 'public'::regnamespace AND indisunique"
    )
    generated = {"audit_event_pkey", "feed_event_pkey"}  # nobody can give a key there
    assert sorted(set(stored) - generated) == sorted(VIOLATIONS)


def isolate(connection: psycopg.Connection[Any], table: str, constraint: str) -> str:
    """Take the constraints that could refuse first out of the way; answers the one's kind."""
    row = connection.execute(
        "SELECT contype::text FROM pg_constraint WHERE conname = %s", (constraint,)
    ).fetchone()
    kind = str(row[0]) if row else "u"
    if kind in "pu":
        references = connection.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE confrelid = %s::regclass",
            (table,),
        ).fetchall()
        for child, reference in references:
            connection.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name(child), name(reference))
            )
    lift(connection, table, {"c": "c", "f": "fpu"}.get(kind, "pu"), but=constraint)
    if kind != "c" and constraint != "grading_once_per_assessor":
        connection.execute("DROP INDEX grading_once_per_assessor")
    return kind


@pytest.mark.parametrize("constraint", VIOLATIONS)
def test_a_row_that_violates_a_constraint_is_refused_by_it(
    superuser: psycopg.Connection[Any], constraint: str
) -> None:
    """Each alone, so that it proves what it refuses by itself.

    A foreign key over site and subject is what keeps a record at its subject's
    site: foreign keys pass over row-level security.
    """
    table, refused = VIOLATIONS[constraint]
    kind = isolate(superuser, table, constraint)
    fresh = {} if kind in "pu" else FRESH.get(table, {})
    for changes in refused:
        with pytest.raises(KINDS[kind]) as refusal, superuser.transaction():
            insert_copy(superuser, table, {**fresh, **changes})
        assert refusal.value.diag.constraint_name == constraint, changes


ACCEPTED = sorted(set(FRESH) - {"allocation", "consent_withdrawal", "eligibility_signature"})


@pytest.mark.parametrize("table", ACCEPTED)
def test_the_row_that_those_violations_change_is_accepted(
    superuser: psycopg.Connection[Any], table: str
) -> None:
    insert_copy(superuser, table, FRESH[table])


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("allocation", {"id": NEW, "subject_id": NEW, "seq": 2}),
        (
            "randomization_correction",
            {"id": NEW, "kind": "wrong_stratum", "stratum": "NN-N", "pair": None, "retained": None},
        ),
    ],
)
def test_a_stratum_of_a_site_takes_subjects_of_that_site_alone(
    superuser: psycopg.Connection[Any], table: str, changes: Changes
) -> None:
    """One without a site takes those of every site."""
    lift(superuser, table, "f")
    insert_copy(superuser, table, changes)
    elsewhere = {**changes, "site": "LZ", "seq": 3}
    with pytest.raises(errors.ForeignKeyViolation) as refusal, superuser.transaction():
        insert_copy(superuser, table, elsewhere)
    assert refusal.value.diag.constraint_name == f"{table}_at_its_site"
    superuser.execute("UPDATE stratum SET site = NULL")
    insert_copy(superuser, table, elsewhere)


def test_a_slot_is_neither_skipped_nor_given_twice(superuser: psycopg.Connection[Any]) -> None:
    """Stated by constraints, so no race and no mistake above them can do it."""
    with pytest.raises(errors.UniqueViolation) as twice, superuser.transaction():
        insert_copy(superuser, "allocation", {"id": NEW, "subject_id": NEW, "seq": 1})
    assert twice.value.diag.constraint_name == "allocation_slot_once"
    isolate(superuser, "allocation", "allocation_without_gap")
    with pytest.raises(errors.ForeignKeyViolation) as skipped, superuser.transaction():
        insert_copy(superuser, "allocation", {"id": NEW, "subject_id": NEW, "seq": 3})
    assert skipped.value.diag.constraint_name == "allocation_without_gap"
    for seq in (2, 3):
        insert_copy(superuser, "allocation", {"id": NEW, "subject_id": NEW, "seq": seq})


@pytest.mark.parametrize("table", [*CLINICAL, "audit_event"])
def test_a_missing_value_is_refused(superuser: psycopg.Connection[Any], table: str) -> None:
    mandatory = (
        superuser.cursor(row_factory=scalar_row)
        .execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND attnotnull AND attidentity = ''",
            (table,),
        )
        .fetchall()
    )
    assert mandatory
    for column in mandatory:
        with pytest.raises(errors.NotNullViolation) as refusal, superuser.transaction():
            insert_copy(superuser, table, {**FRESH.get(table, {}), column: None})
        assert refusal.value.diag.column_name == column
