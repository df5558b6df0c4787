-- ---------------------------------------------------------------------------
-- summary: what a report comes to in hours, and the report before it
--
-- Counted from its charges, and kept with the paper (document.kept) when it is
-- issued: charges go free and reports become void, what a paper said stays.
-- ---------------------------------------------------------------------------

CREATE FUNCTION report_before(p_document document, p_from date, p_to date) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- in as many months before its own as it touches, so that what was skipped is not passed for the last
    SELECT jsonb_build_object('from', iso(b.period_from), 'to', iso(b.period_to), 'gross', b.gross,
                              'billed_s', coalesce((b.kept #>> '{summary,billed_s}')::bigint,
                                                   (SELECT coalesce(sum(l.billed_s), 0) FROM document_line l
                                                     WHERE l.document_id = b.id)))
      FROM document b
      JOIN document_state s ON (s.kind, s.status) = (b.kind, b.status) AND NOT s.ended
     WHERE b.kind = 'report' AND b.issued_at IS NOT NULL AND b.id <> p_document.id
       AND (b.party_id, b.currency) = (p_document.party_id, p_document.currency)
       AND (b.contract_id, b.project_id) IS NOT DISTINCT FROM (p_document.contract_id, p_document.project_id)
       AND b.period_to < p_from
       AND b.period_to >= date_trunc('month', p_from) - make_interval(months =>
               ((extract(year FROM p_to) - extract(year FROM p_from)) * 12
                + extract(month FROM p_to) - extract(month FROM p_from) + 1)::int)
     ORDER BY b.period_to DESC, b.id DESC LIMIT 1;
END;
COMMENT ON FUNCTION report_before(document, date, date) IS
    'the report to the same client on the same contract and project of the period before these days, as long as theirs '
    'in months: {"from", "to", "gross", "billed_s"}; NULL for none';

CREATE FUNCTION report_summary(p_document document) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH work AS (
        SELECT h.coverage, sum(h.worked_s) AS worked_s, min(h.service_date) AS first_day,
               max(h.service_date) AS last_day,
               -- what is not charged may be billed at nothing: then it is what was worked
               sum(CASE WHEN h.coverage <> 'billable' AND h.billed_s = 0 THEN h.worked_s
                        ELSE h.billed_s END) AS billed_s
          FROM document_line l JOIN charge h ON h.id = l.charge_id
         WHERE l.document_id = p_document.id
         GROUP BY h.coverage
    ), span AS (
        SELECT coalesce(p_document.period_from, min(w.first_day)) AS first_day,
               coalesce(p_document.period_to, max(w.last_day)) AS last_day FROM work w
    )
    SELECT jsonb_build_object(
               'worked_s', (SELECT coalesce(sum(w.worked_s), 0) FROM work w),
               'billed_s', (SELECT coalesce(sum(w.billed_s), 0) FROM work w WHERE w.coverage = 'billable'),
               'covered', (SELECT coalesce(jsonb_object_agg(w.coverage, w.billed_s), '{}') FROM work w
                            WHERE w.coverage <> 'billable' AND w.billed_s <> 0),
               'before', report_before(p_document, s.first_day, s.last_day))
      FROM span s
     WHERE p_document.kind = 'report';
END;
COMMENT ON FUNCTION report_summary(document) IS
    'what the charges of a report come to now: {"worked_s", "billed_s" (charged), "covered" (seconds that are not, by '
    'coverage), "before" (report_before())}; NULL for other documents';
