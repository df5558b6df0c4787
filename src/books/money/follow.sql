-- ---------------------------------------------------------------------------
-- follow: what payments make true, once a statement
--
-- Rows of payment come first, then the parties whom they concern, by id; what a
-- sum decides, or what others may change meanwhile, is looked at after that.
-- ---------------------------------------------------------------------------

-- What is paid back counts against credit, and a contract keeps its currency
-- once it is paid.
CREATE FUNCTION lock_payments(p_old payment[], p_new payment[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(
        SELECT n.party_id FROM unnest(p_new) n WHERE n.flow = 'out' OR cardinality(p_old) > 0
        UNION SELECT o.party_id FROM unnest(p_old) o
        UNION SELECT c.client_id FROM contract c
               WHERE c.id IN (SELECT x.contract_id FROM unnest(p_old || p_new) x)));
END $$;
COMMENT ON FUNCTION lock_payments(payment[], payment[]) IS
    'hold the parties that are paid back, the clients of contracts that are paid, and whom a change concerns';

CREATE VIEW payment_misfit WITH (security_invoker) AS
    SELECT p.id AS payment_id, m.rule, m.message, m.hint
      FROM payment p
      JOIN contract c ON c.id = p.contract_id
      LEFT JOIN project j ON j.id = p.project_id
     CROSS JOIN LATERAL (VALUES
        ('payment_one_currency', p.currency <> c.currency
        AND EXISTS (SELECT FROM account a WHERE a.code = p.article AND NOT a.accrues),
         format('a payment in %s cannot be taken: contract "%s" is in %s', p.currency, c.number, c.currency),
         'Enter the amount in that currency; an exchange is a payment out of one account and one into the other.'),
        ('payment_contract_client', p.flow = 'in' AND c.client_id <> p.party_id,
         format('contract %s is not with party %s, who pays', c.id, p.party_id),
         'Leave party_id empty, or name the contract''s client.')
     ) AS m (rule, broken, message, hint)
     WHERE m.broken;
COMMENT ON VIEW payment_misfit IS 'payments that their contract cannot take, with the rule; none is let through';
SELECT allow('controller', 'select', 'payment_misfit');

CREATE FUNCTION check_payment_contracts(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_wrong record;
BEGIN
    SELECT * INTO v_wrong FROM payment_misfit m WHERE m.payment_id = ANY (p_payments) ORDER BY m.payment_id, m.rule DESC
           LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%', v_wrong.message
            USING ERRCODE = 'check_violation', CONSTRAINT = v_wrong.rule, HINT = v_wrong.hint;
    END IF;
END $$;
COMMENT ON FUNCTION check_payment_contracts(bigint[]) IS
    'refuse (23514) payments in another currency than their contract''s, or of another client';

CREATE FUNCTION post_payments(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_events bigint[];
BEGIN
    IF p_payments <> '{}' THEN
        SELECT open_events('payment', array_agg(format('%s:%s', p.id, p.revision) ORDER BY x.no),
                           array_agg(format('%s %s %s', iso(p.paid_on), p.amount, p.currency) ORDER BY x.no))
          INTO v_events
          FROM unnest(p_payments) WITH ORDINALITY x (id, no) JOIN payment p USING (id);
        PERFORM post_entries('payment', p_payments, v_events);
    END IF;
END $$;
COMMENT ON FUNCTION post_payments(bigint[]) IS
    'post payments as they stand, each under an event of its id and revision, valued in the base currency on their '
    'dates';

CREATE FUNCTION unpost_payments(p_payments payment[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM reverse_entries(array_agg(v.id ORDER BY v.id), 'payment', array_agg(v.key || ':void' ORDER BY v.id))
       FROM unnest(p_payments) p
       JOIN event v ON v.source = 'payment' AND (v.key = format('%s:%s', p.id, p.revision)
                                                 OR v.key ~ format('^%s:match:[0-9]+$', p.id))
      WHERE NOT EXISTS (SELECT FROM event r WHERE r.reverses_id = v.id)
     HAVING count(*) > 0;
END $$;
COMMENT ON FUNCTION unpost_payments(payment[]) IS
    'take back what payments posted in these revisions, and what bills took of their cost';

CREATE FUNCTION match_again(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_documents bigint[] := ARRAY(SELECT DISTINCT a.document_id FROM payment_allocation a
                                   WHERE a.payment_id = ANY (p_payments) ORDER BY 1);
BEGIN
    PERFORM post_matches(p_payments, v_documents) WHERE v_documents <> '{}';
END $$;
COMMENT ON FUNCTION match_again(bigint[]) IS
    'post anew what payments that were posted anew mean to the documents that they settle';

CREATE FUNCTION follow_payments() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_old payment[] := '{}';
    v_new payment[];
BEGIN
    SELECT array_agg(n::payment ORDER BY n.id) INTO v_new FROM new_rows n;
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(o::payment ORDER BY o.id) INTO v_old FROM old_rows o;
    END IF;
    IF v_new IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM lock_payments(v_old, v_new);
    PERFORM check_payment_contracts(ARRAY(SELECT n.id FROM unnest(v_new) n WHERE n.contract_id IS NOT NULL));
    PERFORM follow_changed_payments(v_old, v_new) WHERE TG_OP = 'UPDATE';
    PERFORM unpost_payments(ARRAY(
        SELECT o FROM unnest(v_old) o JOIN unnest(v_new) n USING (id)
         WHERE o.status = 'posted' AND (n.status = 'void' OR n.revision <> o.revision)));
    PERFORM post_payments(ARRAY(
        SELECT n.id FROM unnest(v_new) n LEFT JOIN unnest(v_old) o USING (id)
         WHERE n.status = 'posted' AND (o.status IS DISTINCT FROM 'posted' OR n.revision <> o.revision) ORDER BY n.id));
    PERFORM match_again(ARRAY(
        SELECT n.id FROM unnest(v_new) n JOIN unnest(v_old) o USING (id)
         WHERE n.status = 'posted' AND o.status = 'posted' AND n.revision <> o.revision ORDER BY n.id));
    PERFORM free_overdrawn(ARRAY(
        SELECT DISTINCT x.party_id FROM unnest(v_old || v_new) x
         WHERE x.party_id IS NOT NULL AND (x.flow = 'out' OR cardinality(v_old) > 0) ORDER BY 1));
    PERFORM post_exchange_rest(array_agg(DISTINCT x.party_id), max(x.paid_on))
       FROM unnest(v_old || v_new) x
      WHERE x.currency <> (SELECT s.base_currency FROM setting s) HAVING count(*) > 0;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_payments() IS
    'trigger function of payment: holds whom the payments concern, checks them against their contracts and documents, '
    'posts what became posted, reverses what became void, does both for what changed; SECURITY DEFINER because nobody '
    'is granted INSERT on the ledger';
