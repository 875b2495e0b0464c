-- What the second implementation of the endpoint reads: histories as recorded, and the numbers
-- of the protocol document. It shares no table, type or rule with the service.
CREATE SCHEMA second;
SET search_path = second;

CREATE TABLE rule (
    time_zone text NOT NULL,
    fractions_per_week integer NOT NULL CHECK (fractions_per_week = 5),  -- Monday to Friday
    severe_grade integer NOT NULL,
    any_grade integer NOT NULL,
    highest_grade integer NOT NULL,
    window_days_after_rt_end integer NOT NULL,
    coverage_share numeric NOT NULL,
    last_grading_from_day integer NOT NULL
);

CREATE TABLE visit_rule (
    place integer PRIMARY KEY,
    code text NOT NULL,
    anchor text NOT NULL CHECK (anchor IN ('rt_start', 'rt_end')),
    day integer NOT NULL,
    earliest integer NOT NULL,
    latest integer NOT NULL,
    repeat_every_days integer,
    slot boolean NOT NULL
);

CREATE TABLE subject (
    id uuid PRIMARY KEY,
    today date NOT NULL,
    left_on date
);

CREATE TABLE radiotherapy (
    subject uuid PRIMARY KEY REFERENCES subject,
    planned_start date NOT NULL,
    planned_fractions integer NOT NULL,
    planned_dose_gy double precision NOT NULL,
    first_fraction_on date,
    last_fraction_on date,
    delivered_dose_gy double precision
);

CREATE TABLE interruption (
    subject uuid NOT NULL REFERENCES subject,
    from_on date NOT NULL,
    to_on date,
    PRIMARY KEY (subject, from_on)
);

CREATE TABLE grading (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    subject uuid NOT NULL REFERENCES subject,
    visit text NOT NULL,
    assessor uuid NOT NULL,
    assessed_at timestamptz NOT NULL,
    grade integer NOT NULL
);

CREATE TABLE adjudication (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL REFERENCES subject,
    visit text NOT NULL,
    grade integer,
    UNIQUE (subject, visit)
);
