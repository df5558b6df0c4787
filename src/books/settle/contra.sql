-- ---------------------------------------------------------------------------
-- contra: what is settled without money
--
-- It is a payment whose contra account stands where cash would: an article of ours
-- where we give something up, the account of nettings where two debts are set off.
-- So every rule of payments holds, and voiding it takes it back.
-- ---------------------------------------------------------------------------

CREATE FUNCTION contra_payment(p_flow text, p_party bigint, p_contract bigint, p_amount numeric, p_currency text,
                               p_contra text, p_on date, p_purpose text) RETURNS payment
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v payment;
BEGIN
    v.flow := p_flow;
    v.status := 'posted';
    v.paid_on := coalesce(p_on, posting_day(books_today()));
    v.amount := p_amount;
    v.currency := p_currency;
    v.contra := p_contra;
    v.article := CASE p_flow WHEN 'in' THEN role_code('revenue') ELSE bill_article(p_party) END;
    v.party_id := p_party;
    v.contract_id := p_contract;
    v.purpose := p_purpose;
    RETURN v;
END $$;
COMMENT ON FUNCTION contra_payment(text, bigint, bigint, numeric, text, text, date, text) IS
    'the payment of a party that settles an amount by a contra account, of its invoices (in) or bills (out), to be put';

CREATE FUNCTION put_payment(p_payment payment) RETURNS bigint
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO payment (flow, status, paid_on, amount, currency, contra, article, party_id, contract_id, purpose,
                         source, external_id, made_from, own_id)
    VALUES ((p_payment).flow, (p_payment).status, (p_payment).paid_on, (p_payment).amount, (p_payment).currency,
            (p_payment).contra, (p_payment).article, (p_payment).party_id, (p_payment).contract_id, (p_payment).purpose,
            (p_payment).source, (p_payment).external_id, (p_payment).made_from, (p_payment).own_id)
    RETURNING id;
END;
COMMENT ON FUNCTION put_payment(payment) IS 'write a payment without money';

-- What of a write-off its document does not need any more is written off no more: it
-- was never money, and is nobody's credit.  A netting has two sides, and goes whole.
CREATE FUNCTION shrink_contra(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_payment payment;
    v_rest jsonb;
BEGIN
    FOR v_payment IN
        SELECT p.* FROM payment p
         WHERE p.id = ANY (p_payments) AND p.status = 'posted' AND is_bound(p)
           AND p.amount > (SELECT coalesce(sum(u.used), 0) FROM payment_use u WHERE u.payment_id = p.id)
         ORDER BY p.id
    LOOP
        IF v_payment.contra = role_code('netting') THEN
            RAISE EXCEPTION 'payment % is one side of %', v_payment.id,
                document_name(split_part(v_payment.external_id, ':', 1)::bigint)
                USING ERRCODE = 'restrict_violation', HINT = 'Void that document first: that takes both sides back.';
        END IF;
        SELECT jsonb_agg(jsonb_build_object('document', a.document_id, 'amount', a.amount) ORDER BY a.id) INTO v_rest
          FROM payment_allocation a WHERE a.payment_id = v_payment.id;
        UPDATE payment p SET status = 'void' WHERE p.id = v_payment.id;
        CONTINUE WHEN v_rest IS NULL;
        v_payment.amount := (SELECT sum((r.value ->> 'amount')::numeric) FROM jsonb_array_elements(v_rest) r);
        v_payment.paid_on := posting_day(v_payment.paid_on);
        v_payment.id := put_payment(v_payment);
        INSERT INTO payment_allocation (payment_id, document_id, amount)
        SELECT v_payment.id, (r.value ->> 'document')::bigint, (r.value ->> 'amount')::numeric
          FROM jsonb_array_elements(v_rest) WITH ORDINALITY r ORDER BY r.ordinality;
    END LOOP;
END $$;
COMMENT ON FUNCTION shrink_contra(bigint[]) IS
    'write-offs of which something was taken back are voided, and made anew for the rest; a side of a netting is '
    'refused (23001)';

CREATE FUNCTION require_reason(p_what text, p_reason text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF coalesce(p_reason, '') = '' THEN
        RAISE EXCEPTION '% without a reason', p_what
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: it stands in the statement.';
    END IF;
END $$;
COMMENT ON FUNCTION require_reason(text, text) IS 'refuse (22023) what is done without a reason';

-- ---------------------------------------------------------------------------
-- what we give up
-- ---------------------------------------------------------------------------

CREATE FUNCTION write_off(document bigint, reason text, amount numeric DEFAULT NULL, article text DEFAULT NULL,
                          on_date date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(write_off.document);
    v_flow CONSTANT text := (SELECT k.flow FROM document_kind k WHERE k.kind = v_document.kind);
    v_open numeric;
    v_payment payment;
BEGIN
    PERFORM require_reason('nothing is written off', reason);
    v_open := (SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id);
    IF coalesce(v_open, 0) <= 0 THEN
        RAISE EXCEPTION '% has nothing open to be written off', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = unpayable_hint(v_document);
    END IF;
    v_payment := contra_payment(v_flow, v_document.party_id, v_document.contract_id,
                                coalesce(write_off.amount, v_open), v_document.currency,
                                coalesce(write_off.article, role_code(CASE v_flow WHEN 'in' THEN 'write_off'
                                                                           ELSE 'write_on' END)), on_date, reason);
    PERFORM account_id(v_payment.contra);
    v_payment.own_id := v_document.own_id;
    -- many small ones are a big one
    PERFORM check_contra(v_payment, calling_role(), (
        SELECT coalesce(sum(u.amount), 0) FROM payment_use u WHERE u.document_id = v_document.id AND u.bound));
    v_payment.id := put_payment(v_payment);
    INSERT INTO payment_allocation (payment_id, document_id, amount)
    VALUES (v_payment.id, v_document.id, v_payment.amount);
    RETURN v_payment.id;
END $$;
COMMENT ON FUNCTION write_off(bigint, text, numeric, text, date) IS
    'give up what is open of an invoice or debt, or what of a bill nobody asks us for: an amount (default all that is '
    'open) settled by an article (default the account of the role write_off, of bills write_on) on a day (default '
    'today, or the first one that is not locked). Returns the payment; setting that to void takes it back. Above '
    'setting.write_off_limit, with what was written off of it before, it takes a controller (42501); '
    'refused (23514) above what is open, (23001) where nothing '
    'is';
SELECT allow('clerk', 'execute', 'write_off');

CREATE FUNCTION write_off_credit(party bigint, currency text, reason text, amount numeric DEFAULT NULL,
                                 article text DEFAULT NULL, on_date date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_credit numeric;
    v_payment payment;
BEGIN
    PERFORM require_reason('nothing is written off', reason);
    PERFORM lock_parties(ARRAY[write_off_credit.party]);
    v_credit := coalesce((SELECT c.credit FROM client_credit c WHERE c.party_id = write_off_credit.party
                             AND c.currency = write_off_credit.currency), 0);
    v_payment.amount := coalesce(write_off_credit.amount, v_credit);
    IF v_payment.amount <= 0 OR v_payment.amount > v_credit THEN
        RAISE EXCEPTION 'party % has % % of credit, not %', write_off_credit.party, trim_scale(v_credit),
            write_off_credit.currency, trim_scale(v_payment.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                HINT = 'View client_credit lists what clients have; what is allocated is taken back first.';
    END IF;
    v_payment := contra_payment('out', write_off_credit.party, NULL, v_payment.amount, write_off_credit.currency,
                                coalesce(write_off_credit.article, role_code('write_on')), on_date, reason);
    v_payment.article := role_code('revenue');  -- it is the client's account
    PERFORM account_id(v_payment.contra);
    PERFORM check_contra(v_payment, calling_role(), (
        SELECT coalesce(sum(p.amount), 0) FROM payment p
         WHERE p.party_id = v_payment.party_id AND p.currency = v_payment.currency AND p.status = 'posted'
           AND p.flow = 'out' AND is_bound(p) AND p.contra <> role_code('netting')));
    RETURN put_payment(v_payment);
END $$;
COMMENT ON FUNCTION write_off_credit(bigint, text, text, numeric, text, date) IS
    'keep what a client paid too much and will not have back: an amount (default all of it) of his credit in a '
    'currency, to an article (default the account of the role write_on). Returns the payment; refused (23514) above '
    'his credit, above setting.write_off_limit to a role below controller (42501)';
SELECT allow('clerk', 'execute', 'write_off_credit');

-- ---------------------------------------------------------------------------
-- what is set off
-- ---------------------------------------------------------------------------

-- The oldest first, on either side, up to what both have.
CREATE FUNCTION nettable(p_party bigint, p_currency text, p_amount numeric, p_own bigint)
    RETURNS TABLE (document_id bigint, flow text, amount numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH open AS (
        SELECT b.document_id, b.flow, b.open,
               sum(b.open) OVER (PARTITION BY b.flow ORDER BY coalesce(b.due_on, b.issued_on), b.document_id) AS upto
          FROM document_balance b
          JOIN document d ON d.id = b.document_id AND coalesce(d.own_id, default_own()) = p_own
         WHERE b.party_id = p_party AND b.currency = p_currency AND b.open > 0
    ), total AS (
        SELECT least(sum(o.open) FILTER (WHERE o.flow = 'in'), sum(o.open) FILTER (WHERE o.flow = 'out'),
                     p_amount) AS amount FROM open o HAVING count(DISTINCT o.flow) = 2
    )
    SELECT o.document_id, o.flow, least(o.open, t.amount - (o.upto - o.open))
      FROM open o CROSS JOIN total t
     WHERE o.upto - o.open < t.amount
     ORDER BY o.flow, o.upto;
END;
COMMENT ON FUNCTION nettable(bigint, text, numeric, bigint) IS
    'what of a party''s open documents with an own company can be set off in a currency: the oldest due of what it '
    'owes (in) and of what we owe it (out), as much of the one as of the other, up to an amount';

-- What one company of ours is owed pays nothing that another one owes.
CREATE FUNCTION netting_own(p_party bigint, p_currency text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_owns bigint[] := ARRAY(
        SELECT DISTINCT coalesce(d.own_id, default_own())
          FROM document_balance b JOIN document d ON d.id = b.document_id
         WHERE b.party_id = p_party AND b.currency = p_currency AND b.open > 0 ORDER BY 1);
BEGIN
    IF cardinality(v_owns) > 1 THEN
        RAISE EXCEPTION 'party % has open documents with own companies %', p_party, array_to_string(v_owns, ', ')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name one of them: net_out(…, own => id).';
    END IF;
    RETURN coalesce(v_owns[1], default_own());
END $$;
COMMENT ON FUNCTION netting_own(bigint, text) IS
    'the own company with which a party has open documents in a currency; refused (22023) where there are several';

CREATE FUNCTION netted_line(p_netting document, p_document bigint, p_flow text, p_amount numeric,
                            p_position bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := line_of(p_netting);
    v_name CONSTANT text := document_name(p_document);
BEGIN
    v.position := p_position;
    v.title := format('%s%s', upper(left(v_name, 1)), substr(v_name, 2));
    v.quantity := CASE p_flow WHEN 'in' THEN 1 ELSE -1 END;
    v.price := p_amount;
    RETURN v;
END $$;
COMMENT ON FUNCTION netted_line(document, bigint, text, numeric, bigint) IS
    'the line of a netting for a document: what of it is set off, below zero of a bill';

CREATE FUNCTION net_out(party bigint, currency text, amount numeric DEFAULT NULL, on_date date DEFAULT NULL,
                        note text DEFAULT NULL, own bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_on CONSTANT date := coalesce(on_date, posting_day(books_today()));
    v_own bigint;
    v_parts jsonb;
    v_can numeric;
    v_document document;
    v_payment payment;
    v_flow text;
BEGIN
    PERFORM lock_parties(ARRAY[net_out.party]);
    v_own := coalesce(net_out.own, netting_own(net_out.party, net_out.currency));
    SELECT jsonb_agg(to_jsonb(n)), sum(n.amount) FILTER (WHERE n.flow = 'in') INTO v_parts, v_can
      FROM nettable(net_out.party, net_out.currency, net_out.amount, v_own) n;
    IF coalesce(v_can, 0) <= 0 OR net_out.amount > v_can THEN
        RAISE EXCEPTION 'only % % can be set off with party %, not %', trim_scale(coalesce(v_can, 0)), net_out.currency,
            net_out.party, coalesce(trim_scale(net_out.amount)::text, 'all')
            USING ERRCODE = 'restrict_violation',
                HINT = 'View document_balance lists what is open: invoices and debts (in) and accepted bills (out).';
    END IF;
    v_document.kind := 'netting';
    v_document.own_id := v_own;
    v_document.party_id := net_out.party;
    v_document.currency := net_out.currency;
    v_document.issued_on := v_on;
    v_document.note := note;
    v_document.positions := 'none';
    v_document.id := put_document(v_document);
    v_document := document_of(v_document.id);
    PERFORM put_lines(ARRAY(
        SELECT netted_line(v_document, (p.part ->> 'document_id')::bigint, p.part ->> 'flow',
                           (p.part ->> 'amount')::numeric, p.no)
          FROM jsonb_array_elements(v_parts) WITH ORDINALITY p (part, no) ORDER BY p.no));
    PERFORM transition(v_document.id, 'sent');
    FOREACH v_flow IN ARRAY '{in,out}'::text[] LOOP
        v_payment := contra_payment(v_flow, net_out.party, NULL, v_can, net_out.currency, role_code('netting'), v_on,
                                    document_name(v_document.id));
        v_payment.own_id := v_own;
        v_payment.source := 'netting';
        v_payment.external_id := format('%s:%s', v_document.id, v_flow);
        v_payment.id := put_payment(v_payment);
        INSERT INTO payment_allocation (payment_id, document_id, amount)
        SELECT v_payment.id, p.document_id, p.amount
          FROM jsonb_to_recordset(v_parts) AS p (document_id bigint, flow text, amount numeric)
         WHERE p.flow = v_flow;
    END LOOP;
    RETURN v_document.id;
END $$;
COMMENT ON FUNCTION net_out(bigint, text, numeric, date, text, bigint) IS
    'set off what a party owes an own company (default the one that has open documents with it) against what that owes '
    'it, in a currency: an amount (default all that both sides have), '
    'oldest due first, on a day (default today). Makes and returns a document of kind netting, with a line for each '
    'document and its two sides as payments without money; void(document, reason) takes all of it back. Refused '
    '(23001) above what both sides have';
SELECT allow('clerk', 'execute', 'net_out');

-- Both sides at once, so that neither is ever there alone.
CREATE FUNCTION take_apart(p_netting document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE payment p SET status = 'void'
     WHERE p.source = 'netting' AND p.status = 'posted'
       AND p.external_id IN (format('%s:in', p_netting.id), format('%s:out', p_netting.id));
END $$;
COMMENT ON FUNCTION take_apart(document) IS 'a netting is void: what it set off is owed again, on both sides';
