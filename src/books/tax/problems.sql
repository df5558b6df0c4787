-- ---------------------------------------------------------------------------
-- tax problems: what must hold of taxes
-- ---------------------------------------------------------------------------

CREATE VIEW tax_problems WITH (security_invoker) AS
    SELECT 'the taxes of a month are the ledger''s' AS rule, format('%s %s', iso(x.month), x.currency) AS subject,
           format('%s of documents, %s in the ledger', x.told, x.posted) AS detail
      FROM (SELECT x.month, x.currency, sum(x.told) AS told, sum(x.posted) AS posted
              FROM (SELECT p.month, p.currency, CASE p.direction WHEN 'sales' THEN p.amount ELSE -p.amount END AS told,
                           0 AS posted
                      FROM tax_period p
                    UNION ALL
                    SELECT month(e.entry_on), e.currency, 0,
                           CASE WHEN e.credit_id = a.account_id THEN e.amount ELSE -e.amount END
                      FROM entry e
                      JOIN tax_account a ON a.account_id IN (e.debit_id, e.credit_id)
                     WHERE e.document_id IS NOT NULL) x
             GROUP BY 1, 2) x
     WHERE x.told <> x.posted
    UNION ALL
    SELECT 'the taxes of a line are its tax', document_name(l.document_id),
           format('line %s: %s of taxes, %s of tax', l.id, x.amount, l.tax)
      FROM document_line l
     CROSS JOIN LATERAL (SELECT sum((t.value ->> 'amount')::numeric) AS amount FROM jsonb_array_elements(l.taxes) t) x
     WHERE l.taxes IS NOT NULL AND l.tax IS NOT NULL AND x.amount <> l.tax;
COMMENT ON VIEW tax_problems IS 'broken invariants of taxes, none in healthy books';
SELECT allow('controller', 'select', 'tax_problems');
