-- ---------------------------------------------------------------------------
-- place: on which document a charge is, and what froze it
-- ---------------------------------------------------------------------------

CREATE VIEW charge_claim WITH (security_invoker) AS
    SELECT l.charge_id, l.id AS line_id, l.document_id, l.kind, l.charge_id AS work_id,
           l.credited_by IS NOT NULL AS credited
      FROM document_line l WHERE l.claim AND l.released_at IS NULL
    UNION ALL
    SELECT l.adjustment_id, l.id, l.document_id, l.kind, l.charge_id, l.credited_by IS NOT NULL
      FROM document_line l WHERE l.claim AND l.released_at IS NULL AND l.adjustment_id IS NOT NULL
    UNION ALL
    SELECT l.charge_id, l.id, l.document_id, l.kind, NULL, l.credited_by IS NOT NULL
      FROM document_line l WHERE l.kind = 'credit_note' AND l.released_at IS NULL AND l.charge_id IS NOT NULL;
COMMENT ON VIEW charge_claim IS
    'charges that a live document keeps, and by which line; work_id is the charge of the line, of which charge_id may '
    'be the discount or included tax; charges that a credit note made are kept by it; credited: of a line that was '
    'credited whole and keeps them';
SELECT allow('reader', 'select', 'charge_claim');

-- Where every charge is.  A charge and its reversal that no document keeps
-- cancel each other out; while one of them is on a document the other is owed, but
-- for what was credited whole: nobody owes anything of that.
CREATE VIEW charge_place WITH (security_invoker) AS
    SELECT h.id AS charge_id,
           CASE WHEN h.coverage = 'non_billable' THEN 'non_billable'
                WHEN c.credited OR o.credited THEN 'credited'
                WHEN c.kind = 'credit_note' OR i.id IS NOT NULL AND d.issued_at IS NOT NULL THEN 'billed'
                WHEN c.line_id IS NOT NULL THEN 'reported'
                WHEN NOT o.claimed THEN 'cancelled'
                WHEN h.coverage = 'capped' THEN 'written_off'
                WHEN h.coverage = 'billable' AND coalesce(h.gross, h.amount) <> 0 THEN 'unbilled'
                ELSE 'no_charge' END AS place,
           c.document_id AS claimed_by, i.document_id AS invoice_id
      FROM charge h
      LEFT JOIN charge_claim c ON c.charge_id = h.id
      LEFT JOIN document_line i ON i.kind = 'invoice' AND i.released_at IS NULL AND i.charge_id = c.work_id
      LEFT JOIN document d ON d.id = i.document_id
      -- its reversal, or what it reverses; no join on an expression, which planners take for a product
      LEFT JOIN (SELECT r.id AS charge_id, r.reverses_id AS other_id, x.line_id IS NOT NULL AS claimed, x.credited
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.reverses_id WHERE r.reverses_id IS NOT NULL
                 UNION ALL
                 -- who gives a correction up still has the work as it was
                 SELECT r.reverses_id, r.id, x.line_id IS NOT NULL, false
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.id WHERE r.reverses_id IS NOT NULL) o
        ON o.charge_id = h.id AND o.other_id = coalesce(h.reverses_id, o.other_id);
COMMENT ON VIEW charge_place IS
    'where every charge is, exactly one place: non_billable, billed (on a live invoice, or the credit of one), '
    'credited (of an invoice line that was credited whole, given up or billed again by a charge of its own; with what '
    'credited it, and with what corrected it since, it comes to nothing), reported (kept by a report or a draft '
    'invoice, claimed_by), cancelled (with its reversal, neither on a document), written_off (above a cap), unbilled, '
    'or no_charge (no_charge, included, prepaid or zero work that no report shows yet)';
SELECT allow('reader', 'select', 'charge_place');

CREATE FUNCTION frozen_by(charge_id bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT string_agg(format('It is on %s of %s (%s).', document_name(d.id), iso(d.issued_on), d.status), ' '
                           ORDER BY d.id)
           FROM document_line l JOIN document d ON d.id = l.document_id
          WHERE (l.charge_id = h.id OR l.adjustment_id = h.id) AND l.released_at IS NULL AND d.issued_at IS NOT NULL),
        (SELECT format('The period of contract "%s" from %s to %s is closed.', c.number, iso(b.period_start),
                       iso(b.period_end - 1))
           FROM billing_period b JOIN contract c ON c.id = b.contract_id
          WHERE b.contract_id = h.contract_id AND h.period_start >= b.period_start AND h.period_start < b.period_end),
        format('It was posted to the ledger on %s.',
               iso((h.frozen_at AT TIME ZONE (SELECT s.zone FROM setting s))::date)))
      FROM charge h WHERE h.id = frozen_by.charge_id;
END;
COMMENT ON FUNCTION frozen_by(bigint) IS
    'the sentence that says which document or closed period froze or holds a charge';

CREATE FUNCTION way_out(p_charge bigint, p_frozen text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN h.held_by IS NULL THEN p_frozen
                ELSE format('Wait for the client''s answer, or take it back first: transition(%s, ''rejected'', '
                            'reason) or void(%1$s, reason). What is on it is open then.', h.held_by) END
      FROM charge h WHERE h.id = p_charge;
END;
COMMENT ON FUNCTION way_out(bigint, text) IS
    'the hint that says how a committed charge is changed: what a sent report holds is open again without it, what is '
    'frozen is corrected as p_frozen says';

CREATE FUNCTION is_on_document(p_charge bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM entry e WHERE e.charge_id = p_charge AND e.document_id IS NOT NULL) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM charge_claim c JOIN document d ON d.id = c.document_id WHERE c.charge_id = p_charge
                   AND d.issued_at IS NOT NULL);
END $$;
COMMENT ON FUNCTION is_on_document(bigint) IS 'is a charge on a report or invoice that was issued?';

CREATE VIEW line_credit WITH (security_invoker) AS
    SELECT n.reverses_line_id AS line_id, (-sum(n.net))::numeric(20,6) AS net, (-sum(n.tax))::numeric(20,6) AS tax,
           (-sum(n.gross))::numeric(20,6) AS gross
      FROM document_line n WHERE n.kind = 'credit_note' GROUP BY 1;
COMMENT ON VIEW line_credit IS 'what was credited of each invoice line, positive, in the currency of the line';
SELECT allow('reader', 'select', 'line_credit');
