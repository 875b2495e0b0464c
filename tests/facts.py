"""Eligibility facts as a client sends them."""

from collections.abc import Mapping
from datetime import date, timedelta

from services.api.protocol.schema import Eligibility

MEASURED_DAYS_BEFORE = 7

SMALL = Eligibility.model_validate_json(
    """{
    "screening_window_days": 28, "age_fact": "age", "consent_fact": "consent",
    "quantities": [{"id": "mass", "unit": "g/L", "units": {"g/L": 1, "g/dL": 10}}],
    "facts": [
      {"id": "consent", "type": "boolean", "question": "Signed?"},
      {"id": "age", "type": "integer", "question": "Age?", "minimum": 0, "maximum": 120},
      {"id": "tumour", "type": "choice", "question": "Proof?", "choices": ["histology", "none"]},
      {"id": "surgery", "type": "date_or_never", "question": "Last surgery?"},
      {"id": "ecg", "type": "boolean", "question": "ECG abnormal?", "dated": true},
      {"id": "hb", "type": "measurement", "question": "Hb?", "quantity": "mass", "dated": true,
       "minimum": 10, "maximum": 250},
      {"id": "bili", "type": "measurement", "question": "Bilirubin?", "quantity": "mass",
       "dated": true, "uln": true, "minimum": 0, "maximum": 100}
    ],
    "criteria": [
      {"id": "I01", "kind": "inclusion", "text": "Hb or ECG", "when": {"any": [
        {"fact": "hb", "at_least": 90}, {"fact": "ecg", "is": false}]},
       "flag": {"fact": "hb", "below": 90}, "flag_text": "low haemoglobin"},
      {"id": "E01", "kind": "exclusion", "text": "surgery",
       "when": {"fact": "surgery", "happened_within": {"days": 28}}}
    ]}"""
)
"""A protocol of every type of fact, for the rules of reading."""

HB: Mapping[str, object] = {"value": 9.5, "unit": "g/dL", "measured_on": "2026-09-20"}
BILI: Mapping[str, object] = {"value": 1, "unit": "g/L", "measured_on": "2026-09-20", "uln": 2}


def eligible_facts(on: date) -> dict[str, object]:
    """The facts of a subject who meets every criterion on that day, nothing flagged or stale.

    Laboratory values and the electrocardiogram are of the week before. Each
    call makes new objects, so a test may change what it gets.
    """
    measured_on = (on - timedelta(days=MEASURED_DAYS_BEFORE)).isoformat()

    def measured(value: float, unit: str, **uln: float) -> dict[str, object]:
        return {"value": value, "unit": unit, "measured_on": measured_on, **uln}

    return {
        "head_neck_malignancy_confirmed": True,
        "age_at_consent": 52,
        "radical_radiotherapy_planned": True,
        "planned_total_dose": 70,
        "oral_cavity_or_oropharynx_in_field": True,
        "ecog_performance_status": 1,
        "life_expectancy": 24,
        "white_blood_cells": measured(6.1, "10^9/L"),
        "haemoglobin": measured(132, "g/L"),
        "platelets": measured(214, "10^9/L"),
        "alanine_aminotransferase": measured(24, "U/L", uln=40),
        "aspartate_aminotransferase": measured(21, "U/L", uln=40),
        "total_bilirubin": measured(11.2, "umol/L", uln=21),
        "serum_creatinine": measured(74, "umol/L", uln=104),
        "creatinine_clearance": measured(96, "mL/min"),
        "ecg_clinically_significant_abnormality": {"value": False, "measured_on": measured_on},
        "oral_mucosa_intact": True,
        "active_oral_infection": False,
        "severe_periodontal_disease": False,
        "informed_consent_signed": True,
        "previous_head_neck_radiotherapy": False,
        "last_head_neck_surgery": "never",
        "in_another_trial": False,
        "last_interventional_trial": "never",
        "unstable_angina": False,
        "last_myocardial_infarction": "never",
        "severe_arrhythmia": False,
        "nyha_class": "none",
        "cirrhosis": False,
        "chronic_renal_insufficiency": False,
        "active_systemic_infection": False,
        "autoimmune_disease_on_immunosuppressants": False,
        "impairing_psychiatric_disorder": False,
        "other_oral_mucosal_agent_needed": False,
        "long_term_immunosuppressants": False,
        "long_term_corticosteroid_dose": 0,
        "unable_to_comprehend": False,
        "unable_to_comply": False,
        "unsuitable_by_investigator_judgment": False,
    }
