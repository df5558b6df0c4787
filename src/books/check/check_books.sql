-- ---------------------------------------------------------------------------
-- check_books: the invariants that must hold at every moment
-- ---------------------------------------------------------------------------

-- SECURITY DEFINER: what row policies hide would be missed as if it were lost.
CREATE FUNCTION check_books() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
BEGIN ATOMIC
    SELECT * FROM ledger_problems
    UNION ALL SELECT * FROM payment_problems
    UNION ALL SELECT * FROM tax_problems
    UNION ALL SELECT * FROM work_problems
    UNION ALL SELECT * FROM limit_problems
    UNION ALL SELECT * FROM rating_problems
    UNION ALL SELECT * FROM correction_problems
    UNION ALL SELECT * FROM figure_problems
    UNION ALL SELECT * FROM billing_problems
    UNION ALL SELECT * FROM line_problems
    UNION ALL SELECT * FROM document_problems
    UNION ALL SELECT * FROM requisite_problems
    UNION ALL SELECT * FROM page_problems
    UNION ALL SELECT * FROM dunning_problems
    UNION ALL SELECT * FROM match_problems
    UNION ALL SELECT 'what acts for the owner is not open to everybody', 'function ' || o.object,
                     'call grant_access() again' FROM open_function o;
END;
COMMENT ON FUNCTION check_books() IS
    'one row for each broken invariant: the rule, what breaks it, and the figures; empty in healthy books';
SELECT allow('controller', 'execute', 'check_books');
