"""Every table of the first version, with the constraints that say what the code promises."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.api.core.audit import TransactionId
from services.api.migrations.guard import guard

revision = "tables"
down_revision = "roles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guard()
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("sites", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('user', 'client')", name="account_kind_known"),
        sa.PrimaryKeyConstraint("id", name="account_pkey"),
        sa.UniqueConstraint("username", name="account_username_unique"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("old", JSONB(), nullable=True),
        sa.Column("new", JSONB(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("transaction", TransactionId(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_event_pkey"),
    )
    op.create_index(
        "audit_event_subject_index", "audit_event", ["site", "subject_id", "id"], unique=False
    )
    op.create_table(
        "idempotent_answer",
        sa.Column("caller", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status BETWEEN 200 AND 299", name="status_is_success"),
        sa.PrimaryKeyConstraint("caller", "key", name="idempotent_answer_pkey"),
    )
    op.create_table(
        "person_digest",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="person_digest_pkey"),
    )
    op.create_table(
        "protocol_version",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="protocol_version_pkey"),
    )
    op.create_table(
        "randomization_total",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.CheckConstraint("allocated BETWEEN 0 AND cap", name="total_within_cap"),
        sa.CheckConstraint("id = 1", name="total_is_one"),
        sa.PrimaryKeyConstraint("id", name="randomization_total_pkey"),
    )
    op.create_table(
        "sandbox_clock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.CheckConstraint("ahead >= interval '0'", name="sandbox_clock_forward"),
        sa.CheckConstraint("id = 1", name="sandbox_clock_is_one"),
        sa.PrimaryKeyConstraint("id", name="sandbox_clock_pkey"),
    )
    op.create_table(
        "site",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="site_pkey"),
    )
    op.create_table(
        "randomization_commitment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="commitment_is_one"),
        sa.CheckConstraint("length(root) = 32", name="commitment_root_length"),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name="randomization_commitment_protocol_version_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="randomization_commitment_pkey"),
    )
    op.create_table(
        "site_activation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("consent_version", sa.Text(), nullable=False),
        sa.Column("ethics_reference", sa.Text(), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name="site_activation_protocol_version_fkey",
        ),
        sa.ForeignKeyConstraint(["site"], ["site.code"], name="site_activation_site_fkey"),
        sa.PrimaryKeyConstraint("id", name="site_activation_pkey"),
        sa.UniqueConstraint(
            "site", "protocol_version", "consent_version", name="site_activation_once"
        ),
    )
    op.create_table(
        "stratum",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("levels", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.code"], name="stratum_site_fkey"),
        sa.PrimaryKeyConstraint("code", name="stratum_pkey"),
        sa.UniqueConstraint("site", "code", name="stratum_site_code_unique"),
    )
    op.create_table(
        "subject",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("year_of_birth", sa.Integer(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number ~ ('^' || site || '-[0-9]{4}$')", name="subject_number_of_site"),
        sa.CheckConstraint("sex IN ('female', 'male')", name="subject_sex_known"),
        sa.CheckConstraint(
            "status IN ('screening', 'screen_failed', 'eligible', 'randomized', 'on_treatment', 'in_follow_up', 'completed', 'withdrawn', 'lost_to_follow_up', 'died')",
            name="subject_status_known",
        ),
        sa.CheckConstraint("year_of_birth BETWEEN 1900 AND 2199", name="subject_born_plausibly"),
        sa.ForeignKeyConstraint(
            ["protocol_version"], ["protocol_version.version"], name="subject_protocol_version_fkey"
        ),
        sa.ForeignKeyConstraint(["site"], ["site.code"], name="subject_site_fkey"),
        sa.PrimaryKeyConstraint("id", name="subject_pkey"),
        sa.UniqueConstraint("site", "id", name="subject_site_id_unique"),
        sa.UniqueConstraint("site", "number", name="subject_site_number_unique"),
    )
    op.create_table(
        "adverse_event",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("meddra_code", sa.Text(), nullable=False),
        sa.Column("term_detail", sa.Text(), nullable=True),
        sa.Column("ctcae_version", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("onset_on", sa.Date(), nullable=False),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("aware_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("serious", sa.Boolean(), nullable=False),
        sa.Column("seriousness", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("causality_study_drug", sa.Text(), nullable=False),
        sa.Column("causality_radiotherapy", sa.Text(), nullable=False),
        sa.Column("sponsor_causality", sa.Text(), nullable=True),
        sa.Column("expectedness", sa.Text(), nullable=True),
        sa.Column("action_taken", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action_taken IN ('none', 'interrupted', 'withdrawn', 'not_applicable', 'unknown')",
            name="adverse_event_action_known",
        ),
        sa.CheckConstraint(
            "causality_study_drug IN ('related', 'probably', 'possibly', 'unlikely', 'not_related', 'not_assessable') AND causality_radiotherapy IN ('related', 'probably', 'possibly', 'unlikely', 'not_related', 'not_assessable') AND (sponsor_causality IS NULL OR sponsor_causality IN ('related', 'probably', 'possibly', 'unlikely', 'not_related', 'not_assessable'))",
            name="adverse_event_causality_known",
        ),
        sa.CheckConstraint(
            "expectedness IS NULL OR expectedness IN ('expected', 'unexpected')",
            name="adverse_event_expectedness_known",
        ),
        sa.CheckConstraint(
            "outcome IN ('recovered', 'recovering', 'not_recovered', 'recovered_with_sequelae', 'fatal', 'unknown')",
            name="adverse_event_outcome_known",
        ),
        sa.CheckConstraint("grade BETWEEN 1 AND 5", name="adverse_event_grade_known"),
        sa.CheckConstraint(
            "resolved_on IS NULL OR resolved_on >= onset_on", name="adverse_event_onset_first"
        ),
        sa.CheckConstraint(
            "serious = (cardinality(seriousness) > 0)", name="adverse_event_serious_by_criterion"
        ),
        sa.CheckConstraint(
            "version = 1 OR reason IS NOT NULL", name="adverse_event_change_has_reason"
        ),
        sa.CheckConstraint("version >= 1", name="adverse_event_version_from_one"),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name="adverse_event_protocol_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="adverse_event_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("id", "version", name="adverse_event_pkey"),
    )
    op.create_index(
        "adverse_event_subject_index", "adverse_event", ["site", "subject_id"], unique=False
    )
    op.create_table(
        "consent",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="consent_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="consent_pkey"),
        sa.UniqueConstraint("site", "subject_id", "id", name="consent_site_subject_id_id_unique"),
        sa.UniqueConstraint("subject_id", "version", name="consent_once_per_version"),
    )
    op.create_table(
        "deviation",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("source IN ('person', 'system')", name="deviation_source_known"),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="deviation_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="deviation_pkey"),
    )
    op.create_table(
        "eligibility_evaluation",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("normalised", JSONB(), nullable=False),
        sa.Column("criteria", JSONB(), nullable=False),
        sa.Column("overall", sa.Text(), nullable=False),
        sa.Column("evaluation_hash", sa.Text(), nullable=False),
        sa.Column("evaluated_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "overall IN ('eligible', 'ineligible', 'incomplete')", name="eligibility_overall_known"
        ),
        sa.CheckConstraint(
            "version = 1 OR reason IS NOT NULL", name="eligibility_evaluation_change_has_reason"
        ),
        sa.CheckConstraint("version >= 1", name="eligibility_evaluation_version_from_one"),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name="eligibility_evaluation_protocol_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="eligibility_evaluation_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("subject_id", "version", name="eligibility_evaluation_pkey"),
        sa.UniqueConstraint(
            "site",
            "subject_id",
            "version",
            name="eligibility_evaluation_site_subject_id_version_unique",
        ),
    )
    op.create_table(
        "grading",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visit", sa.Text(), nullable=False),
        sa.Column("assessor", sa.Uuid(), nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("mucosal_appearance", sa.Text(), nullable=False),
        sa.Column("ulceration", sa.Boolean(), nullable=False),
        sa.Column("pain_score", sa.Integer(), nullable=False),
        sa.Column("analgesic", sa.Text(), nullable=False),
        sa.Column("diet", sa.Text(), nullable=False),
        sa.Column("derived_protocol", sa.Integer(), nullable=False),
        sa.Column("derived_who", sa.Integer(), nullable=False),
        sa.Column("derived_rtog", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "analgesic IN ('none', 'non_opioid', 'opioid')", name="grading_analgesic_known"
        ),
        sa.CheckConstraint(
            "diet IN ('solid', 'soft', 'liquid', 'none_by_mouth')", name="grading_diet_known"
        ),
        sa.CheckConstraint(
            "mucosal_appearance IN ('normal', 'erythema', 'patchy', 'confluent', 'ulcer_hemorrhage_necrosis')",
            name="grading_appearance_known",
        ),
        sa.CheckConstraint("grade BETWEEN 0 AND 4", name="grading_grade_known"),
        sa.CheckConstraint("pain_score BETWEEN 0 AND 10", name="grading_pain_score_known"),
        sa.CheckConstraint("version = 1 OR reason IS NOT NULL", name="grading_change_has_reason"),
        sa.CheckConstraint("version >= 1", name="grading_version_from_one"),
        sa.ForeignKeyConstraint(
            ["protocol_version"], ["protocol_version.version"], name="grading_protocol_version_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="grading_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("id", "version", name="grading_pkey"),
    )
    op.create_index(
        "grading_once_per_assessor",
        "grading",
        ["subject_id", "visit", "assessor"],
        unique=True,
        postgresql_where=sa.text("version = 1"),
    )
    op.create_index("grading_subject_index", "grading", ["site", "subject_id"], unique=False)
    op.create_table(
        "radiotherapy",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("planned_dose_gy", sa.Float(), nullable=False),
        sa.Column("planned_fractions", sa.Integer(), nullable=False),
        sa.Column("planned_start", sa.Date(), nullable=False),
        sa.Column("concurrent_chemotherapy", sa.Boolean(), nullable=False),
        sa.Column("first_fraction_on", sa.Date(), nullable=True),
        sa.Column("last_fraction_on", sa.Date(), nullable=True),
        sa.Column("delivered_dose_gy", sa.Float(), nullable=True),
        sa.Column("delivered_fractions", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "delivered_dose_gy IS NULL OR delivered_dose_gy BETWEEN 0 AND 200",
            name="radiotherapy_delivered_plausible",
        ),
        sa.CheckConstraint(
            "delivered_fractions IS NULL OR delivered_fractions BETWEEN 0 AND 100",
            name="radiotherapy_delivered_fractions",
        ),
        sa.CheckConstraint(
            "last_fraction_on IS NULL OR first_fraction_on IS NOT NULL",
            name="radiotherapy_last_needs_first",
        ),
        sa.CheckConstraint(
            "last_fraction_on IS NULL OR last_fraction_on >= first_fraction_on",
            name="radiotherapy_first_before_last",
        ),
        sa.CheckConstraint("planned_dose_gy BETWEEN 1 AND 200", name="radiotherapy_dose_plausible"),
        sa.CheckConstraint("planned_fractions BETWEEN 1 AND 100", name="radiotherapy_fractions"),
        sa.CheckConstraint(
            "version = 1 OR reason IS NOT NULL", name="radiotherapy_change_has_reason"
        ),
        sa.CheckConstraint("version >= 1", name="radiotherapy_version_from_one"),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name="radiotherapy_protocol_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="radiotherapy_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("subject_id", "version", name="radiotherapy_pkey"),
    )
    op.create_table(
        "randomization_slot",
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq >= 1", name="slot_from_one"),
        sa.ForeignKeyConstraint(
            ["stratum"], ["stratum.code"], name="randomization_slot_stratum_fkey"
        ),
        sa.PrimaryKeyConstraint("stratum", "seq", name="randomization_slot_pkey"),
    )
    op.create_table(
        "visit",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=True),
        sa.Column("missed_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(visited_on IS NULL) <> (missed_reason IS NULL)", name="visit_done_or_missed"
        ),
        sa.CheckConstraint("version = 1 OR reason IS NOT NULL", name="visit_change_has_reason"),
        sa.CheckConstraint("version >= 1", name="visit_version_from_one"),
        sa.ForeignKeyConstraint(
            ["protocol_version"], ["protocol_version.version"], name="visit_protocol_version_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="visit_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("subject_id", "version", "code", name="visit_pkey"),
    )
    op.create_table(
        "allocation",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "prev_seq",
            sa.Integer(),
            sa.Computed("nullif(seq, 1) - 1", persisted=True),
            nullable=True,
        ),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("randomization_number", sa.Text(), nullable=False),
        sa.Column("randomized_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evaluation_version", sa.Integer(), nullable=False),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["protocol_version"],
            ["protocol_version.version"],
            name="allocation_protocol_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "stratum"],
            ["stratum.site", "stratum.code"],
            name="allocation_site_stratum_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "evaluation_version"],
            [
                "eligibility_evaluation.site",
                "eligibility_evaluation.subject_id",
                "eligibility_evaluation.version",
            ],
            name="allocation_on_evaluation",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="allocation_site_subject_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["stratum", "prev_seq"],
            ["allocation.stratum", "allocation.seq"],
            name="allocation_without_gap",
        ),
        sa.ForeignKeyConstraint(
            ["stratum", "seq"],
            ["randomization_slot.stratum", "randomization_slot.seq"],
            name="allocation_stratum_seq_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="allocation_pkey"),
        sa.UniqueConstraint("stratum", "seq", name="allocation_slot_once"),
        sa.UniqueConstraint("subject_id", name="allocation_once"),
    )
    op.create_table(
        "consent_withdrawal",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "consent_id"],
            ["consent.site", "consent.subject_id", "consent.id"],
            name="consent_withdrawal_site_subject_id_consent_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="consent_withdrawal_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("consent_id", name="consent_withdrawal_pkey"),
    )
    op.create_table(
        "eligibility_signature",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("evaluation_hash", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "subject_id", "version"],
            [
                "eligibility_evaluation.site",
                "eligibility_evaluation.subject_id",
                "eligibility_evaluation.version",
            ],
            name="eligibility_signature_site_subject_id_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["site", "subject_id"],
            ["subject.site", "subject.id"],
            name="eligibility_signature_site_subject_id_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="eligibility_signature_pkey"),
        sa.UniqueConstraint("subject_id", "version", name="eligibility_signed_once"),
    )


def downgrade() -> None:
    guard()
    op.drop_table("eligibility_signature")
    op.drop_table("consent_withdrawal")
    op.drop_table("allocation")
    op.drop_table("visit")
    op.drop_table("randomization_slot")
    op.drop_table("radiotherapy")
    op.drop_index("grading_subject_index", table_name="grading")
    op.drop_index(
        "grading_once_per_assessor", table_name="grading", postgresql_where=sa.text("version = 1")
    )
    op.drop_table("grading")
    op.drop_table("eligibility_evaluation")
    op.drop_table("deviation")
    op.drop_table("consent")
    op.drop_index("adverse_event_subject_index", table_name="adverse_event")
    op.drop_table("adverse_event")
    op.drop_table("subject")
    op.drop_table("stratum")
    op.drop_table("site_activation")
    op.drop_table("randomization_commitment")
    op.drop_table("site")
    op.drop_table("sandbox_clock")
    op.drop_table("randomization_total")
    op.drop_table("protocol_version")
    op.drop_table("person_digest")
    op.drop_table("idempotent_answer")
    op.drop_index("audit_event_subject_index", table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_table("account")
