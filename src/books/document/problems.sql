-- ---------------------------------------------------------------------------
-- document problems: what must hold of documents, one view a subject
-- ---------------------------------------------------------------------------

CREATE VIEW document_line_problems WITH (security_invoker) AS
    SELECT 'a document is the sum of its lines' AS rule, document_name(d.id) AS subject,
           format('%s + %s = %s, lines %s + %s = %s', d.net, d.tax, d.gross, coalesce(l.net, 0), coalesce(l.tax, 0),
                  coalesce(l.gross, 0)) AS detail
      FROM document d
      LEFT JOIN (SELECT l.document_id, sum(l.net) AS net, sum(l.tax) AS tax, sum(l.gross) AS gross
                 FROM document_line l GROUP BY 1) l ON l.document_id = d.id
     WHERE d.net IS NOT NULL AND (d.net, d.tax, d.gross) <> (coalesce(l.net, 0), coalesce(l.tax, 0),
                                                             coalesce(l.gross, 0))
    UNION ALL
    SELECT 'what a line bills is what its charges are', document_name(l.document_id),
        format('line %s: %s, charges %s', l.id, l.net, h.amount + coalesce(a.amount, 0))
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN charge a ON a.id = l.adjustment_id
     WHERE l.released_at IS NULL AND h.frozen_at IS NOT NULL
       AND (l.claim AND l.net IS NOT NULL AND l.net <> h.amount + coalesce(a.amount, 0) AND NOT s.holds
            OR l.kind = 'credit_note' AND l.net <> h.amount)
    UNION ALL
    SELECT 'a line of a sent report says what its charge is', document_name(l.document_id),
        format('line %s: %s, of it rounding %s, charge %s', l.id, l.amount, coalesce(l.rounding, 0),
               coalesce(h.gross, h.amount))
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.holds
      JOIN charge h ON h.id = l.charge_id
     WHERE l.released_at IS NULL AND l.amount - coalesce(l.rounding, 0) <> coalesce(h.gross, h.amount)
       AND d.tax_inclusive = (h.gross IS NOT NULL)
    UNION ALL
    SELECT 'a position comes to its quantity at its price', document_name(p.document_id),
           format('position %s: %s, its lines %s', p.position, p.due, p.amount)
      FROM (SELECT l.document_id, l.position, sum(l.amount) AS amount, count(*) AS charges, u.exponent,
                   position_amount(CASE WHEN count(l.quantity) = count(*) THEN sum(l.quantity) END,
                                   sum(l.billed_s)::bigint, min(l.price), min(l.discount_pct), u.exponent) AS due
              FROM document_line l
             CROSS JOIN LATERAL (SELECT currency_exponent(l.currency) AS exponent) u
             WHERE l.claim AND l.net IS NOT NULL
             GROUP BY l.document_id, l.position, u.exponent) p
     WHERE only_rounded(p.due, p.amount, p.charges, p.exponent)
    UNION ALL
    SELECT 'a line is its amount less its discount', document_name(d.id),
           format('line %s: %s less %s, %s', l.id, l.amount, l.discount, x.is_now)
      FROM document d
      JOIN document_line l ON l.document_id = d.id
     CROSS JOIN LATERAL (SELECT CASE WHEN d.tax_inclusive THEN l.gross ELSE l.net END AS is_now) x
     WHERE d.net IS NOT NULL AND l.amount - coalesce(l.discount, 0) <> x.is_now
    UNION ALL
    SELECT 'a line of an invoice repeats the report that keeps its charge', document_name(l.document_id),
        format('line %s, charge %s', l.id, l.charge_id)
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      LEFT JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
     WHERE l.kind = 'invoice' AND l.released_at IS NULL
       AND (k.document_id IS NULL OR k.document_id IS DISTINCT FROM CASE WHEN l.claim THEN d.id ELSE d.based_on END)
    UNION ALL
    SELECT 'no document mixes currencies', document_name(l.document_id),
        format('line %s in %s, its charge in %s', l.id, l.currency, h.currency)
      FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN document d ON d.id = l.document_id
     WHERE l.currency <> h.currency AND d.issued_at IS NOT NULL AND l.released_at IS NULL
    UNION ALL
    SELECT 'credits of a line never exceed the line', document_name(l.document_id),
        format('line %s: %s + %s credited of %s + %s', l.id, c.net, c.tax, l.net, l.tax)
      FROM document_line l JOIN line_credit c ON c.line_id = l.id
     WHERE abs(c.net) > abs(l.net) OR abs(c.tax) > abs(l.tax) OR sign(c.net) <> sign(l.net) OR c.net = l.net
       AND (c.tax <> l.tax OR num_nonnulls(l.released_at, l.credited_by) <> 1)
    UNION ALL
    SELECT 'what was credited whole and is kept comes to nothing', document_name(l.document_id),
           format('line %s: %s, in base %s', l.id, h.amount + coalesce(a.amount, 0) + x.amount,
                  h.base_amount + coalesce(a.base_amount, 0) + x.base_amount)
      FROM document_line l
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN charge a ON a.id = l.adjustment_id
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.amount), 0) AS amount, coalesce(sum(x.base_amount), 0) AS base_amount
          FROM document_line r
          JOIN document_line n ON n.reverses_line_id = r.id AND n.credited_by IS NOT NULL
          JOIN charge x ON x.id = n.charge_id
         WHERE r.charge_id = l.charge_id AND r.kind = 'invoice') x
     WHERE l.claim AND l.credited_by IS NOT NULL
       AND (h.amount + coalesce(a.amount, 0) + x.amount, h.base_amount + coalesce(a.base_amount, 0) + x.base_amount)
           <> (0, 0);
COMMENT ON VIEW document_line_problems IS
    'broken invariants of what documents and their lines add up to, none in healthy books';
SELECT allow('controller', 'select', 'document_line_problems');

CREATE VIEW document_charge_problems WITH (security_invoker) AS
    SELECT 'a document that is void, rejected or superseded keeps no charge' AS rule,
        document_name(l.document_id) AS subject,
           format('line %s, charge %s', l.id, l.charge_id) AS detail
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.ended
     WHERE l.released_at IS NULL AND l.charge_id IS NOT NULL
    UNION ALL
    SELECT 'a held charge is on the sent report that holds it', 'charge ' || h.id,
        format('held by document %s', h.held_by)
      FROM charge h
     WHERE h.held_by IS NOT NULL
       AND NOT EXISTS (SELECT FROM document_line l
                         JOIN document d ON d.id = l.document_id
                         JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.holds
                        WHERE l.charge_id = h.id AND l.released_at IS NULL AND d.id = h.held_by)
    UNION ALL
    SELECT 'charges of a sent report are held, of an agreed one or an issued invoice frozen', document_name(d.id),
        'charge ' || h.id
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND NOT s.draft
      JOIN document_line l ON l.document_id = d.id AND l.claim AND l.released_at IS NULL
      JOIN charge h ON h.id = l.charge_id
     WHERE NOT (h.frozen_at IS NOT NULL OR s.holds AND h.held_by IS NOT DISTINCT FROM d.id)
    UNION ALL
    SELECT 'billed, reported, unbilled and cancelled revenue is all revenue', x.currency,
        format('%s by place, %s charged', x.placed, x.charged)
      FROM (SELECT h.currency, sum(h.amount) AS charged,
            sum(h.amount) FILTER (WHERE l.place IN ('billed', 'reported', 'unbilled', 'credited')) AS placed
              FROM charge h LEFT JOIN charge_place l ON l.charge_id = h.id GROUP BY 1) x
     WHERE coalesce(x.placed, 0) <> x.charged
    UNION ALL
    SELECT 'a charge is in one place', 'charge ' || l.charge_id, string_agg(l.place, ', ')
      FROM charge_place l GROUP BY l.charge_id HAVING count(*) <> 1
    UNION ALL
    SELECT 'a charge is kept by one document', 'charge ' || c.charge_id, string_agg(document_name(c.document_id), ', ')
      FROM charge_claim c GROUP BY c.charge_id HAVING count(*) <> 1;
COMMENT ON VIEW document_charge_problems IS
    'broken invariants of which document keeps which charge, none in healthy books';
SELECT allow('controller', 'select', 'document_charge_problems');

CREATE VIEW document_allocation_problems WITH (security_invoker) AS
    SELECT 'allocations never exceed the payment' AS rule, 'payment ' || p.id AS subject,
           format('%s allocated of %s', a.amount, p.amount) AS detail
      FROM payment p JOIN (SELECT u.payment_id, sum(u.used) AS amount FROM payment_use u GROUP BY 1) a
          ON a.payment_id = p.id
     WHERE a.amount > p.amount OR p.status <> 'posted'
    UNION ALL
    SELECT 'allocations and credits never exceed the document', document_name(b.document_id),
        format('%s of %s', b.allocated + b.credited, b.gross)
      FROM document_balance b WHERE b.open * sign(b.gross) < 0 OR b.allocated * sign(b.gross) < 0
    UNION ALL
    SELECT 'a payment settles documents of its party and currency, invoices with what comes in and bills with what '
           'goes out',
           document_name(d.id), 'payment ' || p.id
      FROM payment_allocation a JOIN payment p ON p.id = a.payment_id JOIN document d ON d.id = a.document_id
     WHERE p.party_id IS DISTINCT FROM d.party_id OR p.currency <> d.currency
        OR NOT of_one_group(p.contract_id, d.contract_id)
        OR p.flow <> (SELECT k.flow FROM document_kind k WHERE k.kind = d.kind) AND (d.kind <> 'bill' OR d.gross > 0)
    UNION ALL
    SELECT 'allocations are of issued documents', document_name(a.document_id), 'payment ' || a.payment_id
      FROM payment_allocation a WHERE NOT EXISTS (SELECT FROM document_balance b WHERE b.document_id = a.document_id);
COMMENT ON VIEW document_allocation_problems IS
    'broken invariants of payments and what they settle, none in healthy books';
SELECT allow('controller', 'select', 'document_allocation_problems');

CREATE VIEW document_step_problems WITH (security_invoker) AS
    SELECT 'a document has the status that payments, credits and its invoice give it' AS rule,
        document_name(d.id) AS subject,
           format('%s, not %s', d.status, settled_status(d.id)) AS detail
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.derived
     WHERE d.status <> settled_status(d.id)
    UNION ALL
    SELECT 'a draft is not issued, and what is no draft was, unless it is void', document_name(d.id),
        format('%s, %s', d.status, CASE WHEN d.issued_at IS NULL THEN 'never issued' ELSE 'issued' END)
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
     WHERE s.draft AND d.issued_at IS NOT NULL OR NOT s.draft AND NOT s.withdrawn AND d.issued_at IS NULL
    UNION ALL
    SELECT 'what is issued keeps its parties and the words of its positions', document_name(d.id),
           format('kept %s, positions %s of %s',
                  (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(d.kept) k), r.kept, l.positions)
      FROM document d
     CROSS JOIN LATERAL (SELECT array_agg(DISTINCT l.position ORDER BY l.position) AS positions FROM document_line l
                          WHERE l.document_id = d.id) l
     CROSS JOIN LATERAL (SELECT array_agg(w.position ORDER BY w.position) AS kept
                           FROM jsonb_to_recordset(d.kept -> 'rows') w ("position" integer)) r
     WHERE d.issued_at IS NOT NULL
       AND (d.kept IS NULL OR NOT d.kept ?& '{own,party,brand,contract,project,task,basis,note,rows}'
            OR (d.kept #>> '{party,id}')::bigint IS DISTINCT FROM d.party_id
            OR (d.kept #>> '{own,id}')::bigint IS DISTINCT FROM d.own_id OR r.kept IS DISTINCT FROM l.positions
            OR NOT EXISTS (SELECT FROM brand_logo b WHERE b.digest = decode(d.kept #>> '{brand,logo}', 'hex'))
               AND d.kept #>> '{brand,logo}' IS NOT NULL)
    UNION ALL
    SELECT 'a document that got more time is due when that ends', document_name(d.id),
           format('due on %s, put off to %s', iso(d.due_on), iso(e.due_on))
      FROM document d
      JOIN LATERAL (SELECT e.due_on FROM due_extension e WHERE e.document_id = d.id
                     ORDER BY e.id DESC LIMIT 1) e ON true
     WHERE d.due_on IS DISTINCT FROM e.due_on
    UNION ALL
    SELECT 'a document comes in or goes out as its kind does', document_name(d.id), d.kind
      FROM document d JOIN document_kind k ON k.kind = d.kind
     WHERE d.incoming <> k.incoming
    UNION ALL
    SELECT 'the history of a document ends at its status', document_name(d.id),
        format('%s, last step to %s', d.status, s.to_status)
      FROM document d
      LEFT JOIN LATERAL (SELECT s.to_status FROM document_status_change s WHERE s.document_id = d.id
                         ORDER BY s.id DESC LIMIT 1) s ON true
     WHERE s.to_status IS DISTINCT FROM d.status
    UNION ALL
    SELECT 'a number is given once for a company and kind', format('%s %s', replace(d.kind, '_', ' '), d.number),
           format('documents %s', string_agg(d.id::text, ', ' ORDER BY d.id))
      FROM document d WHERE d.number IS NOT NULL AND (d.kind <> 'debt' OR d.status <> 'void')
     GROUP BY coalesce(d.own_id, default_own()), d.kind, d.number HAVING count(*) > 1
    UNION ALL
    SELECT 'numbers of a series run without gaps, in the order of issue',
        format('%s %s, series %s', s.kind, s.year, s.id),
           format('%s documents, numbers %s to %s, next %s%s', n.documents, n.lowest, n.highest, s.next_no, CASE
                  WHEN n.disordered THEN ', out of order' END)
      FROM number_series s
     CROSS JOIN LATERAL (
        SELECT count(*) AS documents, coalesce(min(d.series_no), s.first_no) AS lowest,
            coalesce(max(d.series_no), s.first_no - 1) AS highest,
               coalesce(bool_or(d.issued_at < d.before), false) AS disordered
          FROM (SELECT d.series_no, d.issued_at, lag(d.issued_at) OVER (ORDER BY d.series_no) AS before
                FROM document d WHERE d.series_id = s.id) d) n
     WHERE n.lowest <> s.first_no OR n.highest <> s.next_no - 1 OR n.documents <> s.next_no - s.first_no
         OR n.disordered;
COMMENT ON VIEW document_step_problems IS
    'broken invariants of the statuses and numbers of documents, none in healthy books';
SELECT allow('controller', 'select', 'document_step_problems');

CREATE VIEW document_posting_problems WITH (security_invoker) AS
    SELECT 'issued invoices and credit notes are in the ledger' AS rule, document_name(d.id) AS subject,
           format('%s on the document, %s of it tax, %s and %s posted', d.gross, d.tax, coalesce(e.gross, 0),
                  coalesce(e.tax, 0)) AS detail
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.account = 'receivable'
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS gross, sum(e.amount) FILTER (WHERE e.credit_id NOT IN (k.unbilled, k.opening)) AS tax
          FROM entry e JOIN role_account k ON k.receivable = e.debit_id
         WHERE e.document_id = d.id) e ON true
     WHERE (coalesce(e.gross, 0), coalesce(e.tax, 0)) <> (CASE WHEN s.posted THEN d.gross ELSE 0 END,
                                                          CASE WHEN s.posted THEN d.tax ELSE 0 END)
    UNION ALL
    SELECT 'an accepted bill is owed, to the last digit', document_name(d.id),
        format('%s on the bill, %s posted', d.gross, coalesce(e.amount, 0))
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.account = 'payable'
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS amount FROM entry e JOIN role_account k ON k.payable = e.credit_id
         WHERE e.document_id = d.id) e ON true
     WHERE coalesce(e.amount, 0) <> CASE WHEN coalesce(s.posted, was_binding(d.id)) THEN d.gross ELSE 0 END;
COMMENT ON VIEW document_posting_problems IS 'broken invariants of what documents posted, none in healthy books';
SELECT allow('controller', 'select', 'document_posting_problems');

CREATE VIEW document_dimension_problems WITH (security_invoker) AS
    SELECT 'what names a task, deal, project or contract names its client' AS rule,
        document_name(l.document_id) AS subject,
           format('line %s', l.id) AS detail
      FROM document_line l
     WHERE l.charge_id IS NULL AND l.reverses_line_id IS NULL AND l.client_id IS NULL
       AND num_nonnulls(l.task_id, l.deal_id, l.project_id, l.contract_id) > 0
    UNION ALL
    SELECT 'a paper for a client is about him', document_name(d.id),
           format('line %s: client %s, not %s', l.id, l.client_id, d.party_id)
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN party p ON p.id = d.party_id
     WHERE NOT d.incoming AND p.kind IN ('company', 'individual') AND l.client_id <> d.party_id
    UNION ALL
    SELECT 'work that a document of a deal keeps is of a deal', document_name(c.document_id),
        format('charge %s', c.charge_id)
      FROM charge_claim c
      JOIN document d ON d.id = c.document_id
      JOIN charge h ON h.id = c.charge_id
      JOIN document_kind k ON k.kind = d.kind AND k.made_of = 'work'
     WHERE d.deal_id IS NOT NULL AND d.issued_at IS NOT NULL AND h.deal_id IS NULL;
COMMENT ON VIEW document_dimension_problems IS
    'broken invariants of what documents and their lines are about, none in healthy books';
SELECT allow('controller', 'select', 'document_dimension_problems');

CREATE VIEW document_problems WITH (security_invoker) AS
    SELECT rule, subject, detail FROM document_line_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_charge_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_allocation_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_step_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_posting_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_dimension_problems;
COMMENT ON VIEW document_problems IS
    'broken invariants of documents and payments, none in healthy books: the rule, what breaks it, the figures';
SELECT allow('controller', 'select', 'document_problems');
