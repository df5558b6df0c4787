-- ---------------------------------------------------------------------------
-- charges and documents in the ledger
-- ---------------------------------------------------------------------------

CREATE FUNCTION post_charges(p_charges bigint[], p_source text, p_key text, p_memo text, p_document bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
    -- a credit note is revenue of its own day, as it is tax of it
    v_on CONSTANT date := (SELECT posting_day(d.issued_on) FROM document d
                            WHERE d.id = p_document AND d.kind = 'credit_note');
BEGIN
    IF EXISTS (SELECT FROM charge_posting e WHERE e.charge_id = ANY (p_charges))
        THEN  -- what is worth nothing posts nothing
        v_event := (open_events(p_source, ARRAY[p_key], ARRAY[array_to_string(p_charges, ',')], p_memo))[1];
        PERFORM post_entries('charge', p_charges, array_fill(v_event, ARRAY[cardinality(p_charges)]), v_on,
            p_document);
    END IF;
END $$;
COMMENT ON FUNCTION post_charges(bigint[], text, text, text, bigint) IS
    'post the entries of charges under one event, on their service dates, those that a credit note makes on its day, '
    'or on the first day that is not locked';

CREATE FUNCTION freeze_charges(p_charges bigint[], p_source text, p_key text, p_document bigint DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    PERFORM FROM charge c WHERE c.id = ANY (p_charges) ORDER BY c.id FOR UPDATE;
    WITH frozen AS (
        UPDATE charge c SET frozen_at = now(), held_by = NULL
         WHERE c.id = ANY (p_charges) AND c.frozen_at IS NULL RETURNING c.id)
    SELECT array_agg(f.id ORDER BY f.id) INTO v_charges FROM frozen f;
    IF v_charges IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM post_charges(v_charges, p_source, p_key, 'charges frozen', p_document);
    PERFORM recheck_charges(ARRAY(
        SELECT c.id FROM charge c CROSS JOIN setting s
         WHERE c.id = ANY (v_charges)
           -- what adjusts a charge is worth what that was, and its rate may have come late
           AND (c.cost IS NULL OR c.adjusts_id IS NOT NULL AND c.base_rate IS DISTINCT FROM
                CASE WHEN c.currency = s.base_currency THEN c.base_rate
                     ELSE exchange_rate_on(c.currency, s.base_currency, rate_day(c)) END)
         ORDER BY 1));
    RETURN cardinality(v_charges);
END $$;
COMMENT ON FUNCTION freeze_charges(bigint[], text, text, bigint) IS
    'freeze the provisional ones of these charges and post them under an event of that source and key; returns how '
    'many';

-- A deal says where profit is told, so work takes one at any time.  What is posted
-- is not changed: its entries are taken back and posted anew, for the deal.
CREATE FUNCTION tell_charges(p_charges bigint[], p_deal bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_posted bigint[];
    v_event bigint;
    v_entry entry;
    v_entries entry[];
BEGIN
    WITH told AS (
        UPDATE charge h SET deal_id = p_deal WHERE h.id = ANY (p_charges) AND h.deal_id IS DISTINCT FROM p_deal
        RETURNING h.id, h.frozen_at)
    SELECT array_agg(t.id) INTO v_posted FROM told t WHERE t.frozen_at IS NOT NULL;
    FOR v_entry IN
        -- of an account the last entry is the one that stands
        SELECT DISTINCT ON (e.charge_id, e.debit_id) e.* FROM entry e
         WHERE e.charge_id = ANY (v_posted) ORDER BY e.charge_id, e.debit_id, e.id DESC
    LOOP
        v_event := coalesce(v_event, (open_events('charge', ARRAY[format('%s:told', v_entry.id)], ARRAY[''],
                                                  format('told for deal %s', p_deal)))[1]);
        v_entry := opposite(v_entry, v_event, posting_day(v_entry.entry_on));
        v_entries := v_entries || v_entry;
        v_entry := opposite(v_entry, v_event, NULL);
        v_entry.deal_id := p_deal;
        v_entries := v_entries || v_entry;
    END LOOP;
    PERFORM put_entries(v_entries) WHERE v_event IS NOT NULL;
END $$;
COMMENT ON FUNCTION tell_charges(bigint[], bigint) IS
    'charges, posted or not, are of a deal (NULL: of none) from now on, and so is what they posted: taken back and '
    'posted anew on its day, or on the first one that is not locked';

CREATE FUNCTION post_document(p_document bigint, p_key text, p_memo text, p_on date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
BEGIN
    IF EXISTS (SELECT FROM document_posting e WHERE e.source_id = p_document) THEN
        v_event := (open_events('document', ARRAY[p_key], ARRAY[p_document::text], p_memo))[1];
        PERFORM post_entries('document', ARRAY[p_document], ARRAY[v_event], p_on);
    END IF;
END $$;
COMMENT ON FUNCTION post_document(bigint, text, text, date) IS
    'post what a document means to the ledger, on its day or on one that is given; nothing where that is nothing';

CREATE FUNCTION post_issued(p_document bigint, p_on date) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT post_document(p_document, format('%s:issue', p_document), 'issued', p_on);
END;
COMMENT ON FUNCTION post_issued(bigint, date) IS
    'post an invoice or credit note on its date, by contract: it is owed from now on, net and tax';

CREATE FUNCTION post_bill(p_document bigint) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT post_document(p_document, format('%s:accept', p_document), 'bill accepted');
END;
COMMENT ON FUNCTION post_bill(bigint) IS
    'post an accepted bill on its date: net to its article (bill_article() where it names none), its tax against tax '
    'payable, all to payable';

CREATE FUNCTION reverse_document(p_document bigint, p_on date) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT reverse_entries(ARRAY[v.id], 'document', ARRAY[format('%s:void', p_document)], p_on)
      FROM event v
     WHERE v.source = 'document' AND v.key IN (format('%s:issue', p_document), format('%s:accept', p_document));
END;
COMMENT ON FUNCTION reverse_document(bigint, date) IS
    'take back what a document itself posted, on a day; its charges stay frozen';
