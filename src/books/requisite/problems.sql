-- ---------------------------------------------------------------------------
-- requisite problems: what must hold of papers that were issued
-- ---------------------------------------------------------------------------

CREATE VIEW requisite_problems WITH (security_invoker) AS
    SELECT 'what we issue says what the law wants of it' AS rule, document_name(d.id) AS subject,
           format('%s: %s %s', m.side, m.label, m.why) AS detail
      FROM document d
     CROSS JOIN LATERAL lacking(d, 'en', true) m
     WHERE d.issued_at IS NOT NULL AND NOT d.incoming AND m.why = 'missing';
COMMENT ON VIEW requisite_problems IS 'broken invariants of what issued papers say, none in healthy books';
SELECT allow('controller', 'select', 'requisite_problems');
