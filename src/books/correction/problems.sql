-- ---------------------------------------------------------------------------
-- correction problems: nothing committed is wrong in silence
-- ---------------------------------------------------------------------------

CREATE FUNCTION broken_corrections() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'what is committed agrees with its facts, or is due for correction', format('charge %s', x.charge_id),
           charge_reason(x.why)
      FROM correction_of(ARRAY(SELECT h.id FROM charge h WHERE h.committed AND h.reverses_id IS NULL)) x
     WHERE NOT EXISTS (SELECT FROM rechecked r WHERE r.charge_id = x.charge_id);
END;
COMMENT ON FUNCTION broken_corrections() IS 'the rows of correction_problems: the rule, the charge, what is wrong';

CREATE VIEW correction_problems WITH (security_invoker) AS SELECT * FROM broken_corrections();
COMMENT ON VIEW correction_problems IS
    'committed charges that are wrong and of which correction_due does not know, none in healthy books';
SELECT allow('controller', 'select', 'correction_problems');
