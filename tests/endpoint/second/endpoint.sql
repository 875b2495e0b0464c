-- The endpoint of every subject, in sentences of docs/endpoint.md. One row a subject.
WITH

-- "One visit of one subject has one assessment, made of its gradings in their current versions."
-- "Its day and moment are those of the earliest grading (by moment, then by id); it goes by the id
-- and version of that grading."
assessment AS (
    SELECT DISTINCT ON (g.subject, g.visit)
        g.subject, g.visit, g.id, g.version, g.assessed_at,
        (g.assessed_at AT TIME ZONE rule.time_zone)::date AS day,
        CASE
            WHEN a.id IS NOT NULL THEN a.grade
            WHEN min(g.grade) OVER visit = max(g.grade) OVER visit THEN g.grade
        END AS grade,
        CASE
            WHEN a.grade IS NOT NULL THEN 'adjudicated'
            WHEN a.id IS NOT NULL THEN 'unresolved'
            WHEN count(*) OVER visit = 1 THEN 'single'
            WHEN min(g.grade) OVER visit = max(g.grade) OVER visit THEN 'agreed'
            ELSE 'unresolved'
        END AS basis,
        a.id AS adjudication
    FROM second.grading AS g
    CROSS JOIN second.rule
    LEFT JOIN second.adjudication AS a ON a.subject = g.subject AND a.visit = g.visit
    WINDOW visit AS (PARTITION BY g.subject, g.visit)
    ORDER BY g.subject, g.visit, g.assessed_at, g.id
),

-- "Without a first fraction there is no window, every outcome is `pending`, and nothing else is
-- derived."
started AS (
    SELECT
        s.id AS subject, s.today, s.left_on,
        r.first_fraction_on AS first_on, r.last_fraction_on AS last_on,
        r.planned_fractions, r.planned_dose_gy, r.delivered_dose_gy
    FROM second.subject AS s
    JOIN second.radiotherapy AS r ON r.subject = s.id
    WHERE r.first_fraction_on IS NOT NULL
),

-- So many days from the first fraction surely hold the planned fractions, and the delivered ones.
horizon AS (
    SELECT
        started.subject,
        greatest(
            started.last_on - started.first_on,
            7 + 7 * (started.planned_fractions + coalesce(sum(i.days), 0))
            / rule.fractions_per_week
        )::integer AS days
    FROM started
    CROSS JOIN second.rule
    LEFT JOIN LATERAL (
        SELECT coalesce(to_on, started.today) - from_on + 1 AS days
        FROM second.interruption
        WHERE interruption.subject = started.subject
    ) AS i ON true
    GROUP BY started.subject, started.first_on, started.last_on, started.planned_fractions,
        rule.fractions_per_week
),

-- "Fractions fall on the first fraction's day and then on every Monday to Friday that lies in no
-- interruption." "An interruption that has no end yet lasts through today."
fraction AS (
    SELECT
        started.subject,
        started.first_on + n AS day,
        row_number() OVER (PARTITION BY started.subject ORDER BY n) AS nth
    FROM started
    JOIN horizon ON horizon.subject = started.subject
    CROSS JOIN LATERAL generate_series(0, horizon.days) AS n
    WHERE n = 0
        OR extract(isodow FROM started.first_on + n) BETWEEN 1 AND 5
        AND NOT EXISTS (
            SELECT FROM second.interruption AS i
            WHERE i.subject = started.subject
                AND started.first_on + n BETWEEN i.from_on AND coalesce(i.to_on, started.today)
        )
),

-- "The expected last fraction is the day of the last planned fraction counted so. […] Where the
-- expected day is before today, radiotherapy is still going on, and today is used; a subject who
-- left took no fraction after that day, so the day they left is used where it is earlier", though
-- none before the first fraction, which was delivered.
-- "From the first delivered fraction through the last delivered fraction plus 90 days. […] Without
-- a last fraction the window is open at its end." "The window is over when today is after its last
-- day, or when the subject has left the study."
course AS (
    SELECT
        started.*,
        coalesce(
            started.last_on,
            greatest(
                least(greatest(fraction.day, started.today), started.left_on), started.first_on
            )
        ) AS expected_last_on,
        started.last_on + rule.window_days_after_rt_end AS window_to,
        coalesce(started.today > started.last_on + rule.window_days_after_rt_end, false)
            OR started.left_on IS NOT NULL AS over
    FROM started
    CROSS JOIN second.rule
    JOIN fraction ON fraction.subject = started.subject
        AND fraction.nth = started.planned_fractions
),

-- "An assessment counts when its day lies in the window and not after the day the subject left".
counted AS (
    SELECT assessment.*
    FROM course
    JOIN assessment ON assessment.subject = course.subject
    WHERE assessment.day >= course.first_on
        AND (course.window_to IS NULL OR assessment.day <= course.window_to)
        AND (course.left_on IS NULL OR assessment.day <= course.left_on)
),

anchored AS (
    SELECT
        course.subject, course.expected_last_on, v.*,
        CASE v.anchor WHEN 'rt_start' THEN course.first_on ELSE course.expected_last_on END AS day_0
    FROM course
    CROSS JOIN second.visit_rule AS v
    WHERE v.slot
),

-- "A week goes on as long as the visit's window opens no later than the last fraction; the last
-- fraction's day then bounds the planned day and the window's end."
planned AS (
    SELECT
        subject, place, replace(code, '{n}', (week + 1)::text) AS code,
        least(day_0 + day + week * repeat_every_days, expected_last_on) AS planned_on,
        day_0 + earliest + week * repeat_every_days AS window_from,
        least(day_0 + latest + week * repeat_every_days, expected_last_on) AS window_to
    FROM anchored
    CROSS JOIN LATERAL (
        SELECT (opens - earliest) / repeat_every_days AS week
        FROM generate_series(earliest, expected_last_on - day_0, repeat_every_days) AS opens
    ) AS weeks
    WHERE repeat_every_days IS NOT NULL
    UNION ALL
    SELECT subject, place, code, day_0 + day, day_0 + earliest, day_0 + latest
    FROM anchored
    WHERE repeat_every_days IS NULL
),

-- "The visits that the schedule marks as slots and whose planned day lies in the window." "A slot
-- is kept when an assessment that counts has its day in the slot's own window, whichever visit it
-- was made at, and whether or not its grade is open." "A gap is a slot that is not kept and can no
-- longer be: the last day of its own window is before today, or the endpoint's window is over."
held AS (
    SELECT DISTINCT planned.subject, planned.code
    FROM planned
    JOIN counted ON counted.subject = planned.subject
        AND counted.day BETWEEN planned.window_from AND planned.window_to
),

slot AS (
    SELECT
        planned.*,
        held.code IS NOT NULL AS kept,
        held.code IS NULL AND (planned.window_to < course.today OR course.over) AS gap
    FROM planned
    JOIN course ON course.subject = planned.subject
    LEFT JOIN held ON held.subject = planned.subject AND held.code = planned.code
    WHERE planned.planned_on >= course.first_on
        AND (course.window_to IS NULL OR planned.planned_on <= course.window_to)
),

kept AS (
    SELECT
        subject,
        count(*) AS slots,
        count(*) FILTER (WHERE kept) AS kept,
        array_agg(code ORDER BY planned_on, place) FILTER (WHERE gap) AS gaps
    FROM slot
    GROUP BY subject
),

-- "It is decided by the first of them, in the order of day, moment and id of the grading."
severe AS (
    SELECT DISTINCT ON (subject) counted.*
    FROM counted
    JOIN second.rule ON counted.grade >= rule.severe_grade
    ORDER BY subject, day, assessed_at, id
),

mucositis AS (
    SELECT DISTINCT ON (subject) counted.*
    FROM counted
    JOIN second.rule ON counted.grade >= rule.any_grade
    ORDER BY subject, day, assessed_at, id
),

-- Measures: "Only assessments that count, and but for `unresolved` only those that have a grade."
assessed AS (
    SELECT
        subject,
        max(grade) AS max_grade,
        max(day) FILTER (WHERE grade IS NOT NULL) AS last_assessed_on,
        max(day) AS last_counted_on,
        array_agg(visit ORDER BY day, assessed_at, id) FILTER (WHERE grade IS NULL) AS unresolved
    FROM counted
    GROUP BY subject
),

-- "The worst grade of a day stands for it; it lasts until the next day with a grade, that day not
-- included, and on the last such day for that one day."
spell AS (
    SELECT
        subject,
        max(grade) AS worst,
        coalesce(lead(day) OVER (PARTITION BY subject ORDER BY day) - day, 1) AS days
    FROM counted
    WHERE grade IS NOT NULL
    GROUP BY subject, day
),

severe_days AS (
    SELECT spell.subject, sum(spell.days) AS days
    FROM spell
    JOIN second.rule ON spell.worst >= rule.severe_grade
    GROUP BY spell.subject
),

-- "The estimated cumulative dose, in Gy, through the deciding day. […] With last fraction and
-- delivered dose recorded: that dose, times the fraction days from the first through the deciding
-- day (or the last fraction, if earlier), over the fraction days from the first through the last.
-- Otherwise the planned dose times the fraction days so far (none after a recorded last fraction)
-- over the planned fractions, at most the whole planned dose."
dose AS (
    SELECT
        course.subject,
        CASE
            WHEN course.last_on IS NOT NULL AND course.delivered_dose_gy IS NOT NULL
                THEN course.delivered_dose_gy
                    * count(*) FILTER (WHERE fraction.day <= severe.day)
                    / count(*)
            ELSE course.planned_dose_gy
                * least(
                    count(*) FILTER (WHERE fraction.day <= severe.day),
                    course.planned_fractions
                )
                / course.planned_fractions
        END AS gy
    FROM course
    JOIN severe ON severe.subject = course.subject
    JOIN fraction ON fraction.subject = course.subject
        AND (course.last_on IS NULL OR fraction.day <= course.last_on)
    GROUP BY course.subject, course.last_on, course.delivered_dose_gy, course.planned_dose_gy,
        course.planned_fractions, severe.day
),

-- Outcomes 2 to 4: what holds where no assessment that counts is an event.
otherwise AS (
    SELECT
        course.subject,
        coalesce(kept.kept::numeric / kept.slots, 1) AS coverage,
        coalesce(kept.gaps, '{}') AS gaps,
        CASE
            -- "`pending` while the window is not over, and afterwards while an assessment that
            -- counts has an open grade."
            WHEN NOT course.over OR assessed.unresolved IS NOT NULL THEN 'pending'
            -- "`no_event` when the last fraction is recorded, coverage is at least 0.8, and an
            -- assessment that counts lies on or after day 83 after the last fraction."
            WHEN course.last_on IS NOT NULL
                AND coalesce(kept.kept >= rule.coverage_share * kept.slots, true)
                AND assessed.last_counted_on >= course.last_on + rule.last_grading_from_day
                THEN 'no_event'
            ELSE 'not_evaluable'
        END AS status
    FROM course
    CROSS JOIN second.rule
    LEFT JOIN kept ON kept.subject = course.subject
    LEFT JOIN assessed ON assessed.subject = course.subject
)

SELECT
    s.id AS subject,
    CASE WHEN severe.id IS NOT NULL THEN 'event'
        ELSE coalesce(otherwise.status, 'pending') END AS primary_status,
    severe.id AS primary_grading,
    severe.version AS primary_version,
    severe.basis AS primary_basis,
    severe.adjudication AS primary_adjudication,
    CASE WHEN mucositis.id IS NOT NULL THEN 'event'
        ELSE coalesce(otherwise.status, 'pending') END AS secondary_status,
    mucositis.id AS secondary_grading,
    mucositis.version AS secondary_version,
    mucositis.basis AS secondary_basis,
    mucositis.adjudication AS secondary_adjudication,
    course.first_on AS window_from,
    course.window_to,
    assessed.max_grade,
    coalesce(assessed.max_grade = rule.highest_grade, false) AS grade_4,
    severe.day - course.first_on AS days_to_first_severe,
    coalesce(severe_days.days, 0)::integer AS days_severe,
    dose.gy AS gy_at_onset,
    otherwise.coverage::double precision AS coverage,
    coalesce(otherwise.gaps, '{}') AS gaps,
    assessed.last_assessed_on,
    coalesce(assessed.unresolved, '{}') AS unresolved
FROM second.subject AS s
CROSS JOIN second.rule
LEFT JOIN course ON course.subject = s.id
LEFT JOIN otherwise ON otherwise.subject = s.id
LEFT JOIN assessed ON assessed.subject = s.id
LEFT JOIN severe ON severe.subject = s.id
LEFT JOIN mucositis ON mucositis.subject = s.id
LEFT JOIN severe_days ON severe_days.subject = s.id
LEFT JOIN dose ON dose.subject = s.id
