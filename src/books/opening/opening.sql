-- ---------------------------------------------------------------------------
-- opening: a company that ran before comes into the books
--
-- Each thing that it brings is a fact of its own, by the door of its kind: cash and
-- other balances are entries by hand, debts and bills documents, advances payments
-- without money, hours blocks.  All of it stands against the account of opening
-- balances, none in cash flow or P&L.  Each has a key, so that the same call again
-- brings nothing twice, and what was wrong is taken back and opened anew.
-- ---------------------------------------------------------------------------

CREATE FUNCTION require_amount(p_kind text, p_amount numeric) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_amount = 0 OR p_amount < 0 AND p_kind IN ('debt', 'advance') THEN
        RAISE EXCEPTION '% cannot be of %', p_kind, trim_scale(p_amount)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'What a client had paid ahead is an advance, what he owed a debt; what is nothing is left out.';
    END IF;
END $$;
COMMENT ON FUNCTION require_amount(text, numeric) IS
    'refuse (22023) to open what is nothing, and debts and advances below zero';

CREATE FUNCTION opened_item(p_kind text, p_given jsonb, p_needed text[], p_known text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v jsonb;
    v_lacks text;
BEGIN
    PERFORM check_keys(p_given, p_kind, p_needed || p_known);
    v := resolve_names(p_given);
    IF v ? 'contract' AND NOT v ? 'party' THEN
        v := v || (SELECT jsonb_build_object('party', c.client_id) FROM contract c
                    WHERE c.id = (v ->> 'contract')::bigint);
    END IF;
    SELECT n.key INTO v_lacks FROM unnest(p_needed) n (key) WHERE v ->> n.key IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% has no %', p_kind, v_lacks
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_given::text,
                HINT = format('It has %s, and may have %s.', array_to_string(p_needed, ', '),
                              array_to_string(p_known, ', '));
    END IF;
    PERFORM require_amount(p_kind, given_number(v, 'amount')) WHERE v ? 'amount';
    RETURN v || jsonb_build_object('currency', coalesce(v ->> 'currency', (
        SELECT c.currency FROM contract c WHERE c.id = (v ->> 'contract')::bigint), (
        SELECT a.currency FROM cash_account a WHERE a.id = (v ->> 'cash_account')::bigint), (
        SELECT s.base_currency FROM setting s)));
END $$;
COMMENT ON FUNCTION opened_item(text, jsonb, text[], text[]) IS
    'one item of open_balances() with the ids of what it names, its party and currency; refused (22023): keys that '
    'nothing knows, and what lacks one that it needs';

CREATE FUNCTION refuse_reopened(p_what text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION '% was opened before with other content', p_what
        USING ERRCODE = 'unique_violation',
            HINT = 'Send the same content again, or void() that one first.';
END $$;
COMMENT ON FUNCTION refuse_reopened(text) IS 'raise (23505) that an opening balance is there with other content';

-- A debt of a client, or a bill of a supplier: to be paid like any other.
CREATE FUNCTION open_debt(p_kind text, p_day date, p_given jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_item CONSTANT jsonb := opened_item(p_kind, p_given, '{party,number,amount}',
                                         '{contract,issued_on,due_on,currency,title}');
    v document;
    v_line document_line;
    v_known document;
BEGIN
    v.kind := p_kind;
    v.incoming := p_kind = 'bill';
    v.party_id := (v_item ->> 'party')::bigint;
    v.contract_id := (v_item ->> 'contract')::bigint;
    v.own_id := (SELECT c.own_id FROM contract c WHERE c.id = v.contract_id);
    v.currency := v_item ->> 'currency';
    v.outside_number := v_item ->> 'number';
    v.opened_on := p_day;
    v.due_on := given_date(v_item, 'due_on');
    v.issued_on := coalesce(given_date(v_item, 'issued_on'), least(v.due_on, p_day));
    IF v.issued_on > p_day THEN
        RAISE EXCEPTION '% % of % is not from before %', p_kind, v.outside_number, iso(v.issued_on), iso(p_day)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'What is issued since is an invoice or a bill of these books.';
    END IF;
    v.title := v_item ->> 'title';
    v.positions := 'none';
    v.source := 'opening';
    v.external_id := format('%s:%s:%s', p_kind, v.party_id, v.outside_number);
    v.made_from := v_item;
    PERFORM lock_parties(ARRAY[v.party_id]);
    SELECT * INTO v_known FROM document d
     WHERE d.source = v.source AND d.external_id = v.external_id AND d.status <> 'void';
    IF FOUND THEN
        PERFORM refuse_reopened(document_name(v_known.id)) WHERE v_known.made_from <> v_item;
        RETURN v_known.id;
    END IF;
    v.id := put_document(v);
    v := document_of(v.id);
    v_line := line_of(v);
    v_line.contract_id := v.contract_id;
    v_line.client_id := CASE p_kind WHEN 'debt' THEN v.party_id END;
    v_line.position := 1;
    v_line.title := coalesce(v.title, v.outside_number);
    v_line.quantity := sign((v_item ->> 'amount')::numeric);
    v_line.price := abs((v_item ->> 'amount')::numeric);
    PERFORM put_lines(ARRAY[v_line]);
    PERFORM transition(v.id, 'sent');
    PERFORM transition(v.id, 'agreed') WHERE p_kind = 'bill';
    RETURN v.id;
END $$;
COMMENT ON FUNCTION open_debt(text, date, jsonb) IS
    'bring what a client owed (debt) or what we owed (bill) into the books, as a document under its old number; '
    'returns it';

-- What was paid ahead, by clients (above zero) or to suppliers.
CREATE FUNCTION open_advance(p_day date, p_given jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_item CONSTANT jsonb := opened_item('advance', p_given, '{party,amount}', '{contract,currency,flow,purpose}');
    v payment;
    v_known payment;
BEGIN
    v := contra_payment(coalesce(v_item ->> 'flow', 'in'), (v_item ->> 'party')::bigint,
                        (v_item ->> 'contract')::bigint, (v_item ->> 'amount')::numeric, v_item ->> 'currency',
                        role_code('opening'), p_day, v_item ->> 'purpose');
    v.source := 'opening';
    v.external_id := format('%s:%s:%s:%s', v.flow, v.party_id, coalesce(v.contract_id::text, '-'), v.currency);
    v.made_from := v_item;
    PERFORM lock_parties(ARRAY[v.party_id]);
    SELECT * INTO v_known FROM payment p
     WHERE p.source = v.source AND p.external_id = v.external_id AND p.status <> 'void';
    IF FOUND THEN
        PERFORM refuse_reopened('payment ' || v_known.id) WHERE v_known.made_from <> v_item;
        RETURN v_known.id;
    END IF;
    RETURN put_payment(v);
END $$;
COMMENT ON FUNCTION open_advance(date, jsonb) IS
    'bring what a party had paid ahead, or we had paid it (flow out), into the books, as a payment without money, one '
    'for each party, contract and currency; returns it';

CREATE FUNCTION open_account(p_day date, p_account text, p_item jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v posting;
    v_key CONSTANT text := format('opening %s %s %s#', p_account, p_item ->> 'currency', p_item ->> 'own');
    v_no bigint;
BEGIN
    -- what was taken back is opened under a new key
    SELECT count(*) INTO v_no FROM event e JOIN event r ON r.reverses_id = e.id
     WHERE e.source = 'user' AND starts_with(e.key, v_key);
    v.entry_on := p_day;
    v.debit := p_account;
    v.credit := role_code('opening');
    v.amount := trim_scale((p_item ->> 'amount')::numeric);
    v.currency := p_item ->> 'currency';
    v.own_id := (p_item ->> 'own')::bigint;
    RETURN post_event(v_key || v_no, ARRAY[v], 'opening balance');
END $$;
COMMENT ON FUNCTION open_account(date, text, jsonb) IS
    'bring the balance of an account into the books, debit positive; returns the event, which reverse_event() takes '
    'back';

CREATE FUNCTION open_hours(p_day date, p_given jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_item CONSTANT jsonb := opened_item('hours', p_given, '{contract,hours}', '{expires_on,priority}');
BEGIN
    RETURN add_block((v_item ->> 'contract')::bigint, p_day, hours => (v_item ->> 'hours')::numeric, price => 0,
                     expires_on => given_date(v_item, 'expires_on'),
                     priority => coalesce((v_item ->> 'priority')::integer, 0),
                     key => format('opening:%s:%s', v_item ->> 'contract', coalesce(v_item ->> 'expires_on', '-')));
END $$;
COMMENT ON FUNCTION open_hours(date, jsonb) IS
    'bring hours that a client has left, and has paid, into the books, as a block that costs nothing; one for each '
    'contract and day of expiry; returns the allotment';

CREATE FUNCTION open_balances(day date, content jsonb)
    RETURNS TABLE (what text, id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_item jsonb;
    v_kind text;
BEGIN
    content := json_argument(content);
    PERFORM check_keys(content, 'content', '{cash,debts,bills,advances,hours,accounts}');
    IF day IS NULL THEN
        RAISE EXCEPTION 'the books begin on no day'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the first day that these books keep.';
    END IF;
    FOR v_kind, v_item IN
        SELECT c.key, e.value
          FROM unnest('{cash,accounts,debts,bills,advances,hours}'::text[]) WITH ORDINALITY c (key, no)
         CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(content -> c.key)
             WHEN 'array' THEN content -> c.key WHEN NULL THEN '[]'
             ELSE jsonb_build_array(content -> c.key) END) WITH ORDINALITY e (value, no)
         WHERE content ? c.key
         ORDER BY c.no, e.no
    LOOP
        what := v_kind;
        CASE v_kind
            WHEN 'cash' THEN
                v_item := opened_item('cash', v_item, '{cash_account,amount}', '{own}');
                id := open_account(day, (SELECT a.code FROM cash_account m JOIN account a ON a.id = m.account_id
                                          WHERE m.id = (v_item ->> 'cash_account')::bigint), v_item);
            WHEN 'accounts' THEN
                v_item := opened_item('account', v_item, '{account,amount}', '{own,currency}');
                PERFORM require_own_balance(v_item ->> 'account');
                id := open_account(day, v_item ->> 'account', v_item);
            WHEN 'debts' THEN id := open_debt('debt', day, v_item);
            WHEN 'bills' THEN id := open_debt('bill', day, v_item);
            WHEN 'advances' THEN id := open_advance(day, v_item);
            WHEN 'hours' THEN id := open_hours(day, v_item);
        END CASE;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION open_balances(date, jsonb) IS
    'bring a running company into the books on the first day that they keep: {"cash": [{"cash_account", "amount"}], '
    '"debts": [{"party" | "contract", "number", "amount", "due_on", "issued_on", "currency", "title"}] of clients, '
    '"bills": the same of suppliers, "advances": [{"party" | "contract", "amount", "currency", "flow": in (default) or '
    'out}], "hours": [{"contract", "hours", "expires_on"}], "accounts": [{"account", "amount" (debit positive), '
    '"currency"}] such as loans, equipment, capital and taxes}, amounts as text, with tax. Returns what it brought: a '
    'document, payment, event or allotment of each item. The same item again brings nothing; with other content it is '
    'refused (23505) until the first is taken back by void(), by the status void of the payment or by reverse_event()';
SELECT allow('controller', 'execute', 'open_balances');

CREATE FUNCTION require_own_balance(p_account text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM account a LEFT JOIN account_role r ON r.account_id = a.id
                WHERE a.code = p_account
                  AND (a.kind IN ('cash', 'income', 'expense') OR r.role IN ('receivable', 'payable', 'unbilled',
                                                                             'opening', 'conversion', 'netting'))) THEN
        RAISE EXCEPTION 'account "%" has no balance to begin with', p_account
            USING ERRCODE = 'restrict_violation',
                HINT = 'Cash goes into "cash", what is owed into "debts", "bills" and "advances"; articles begin at '
                       'nothing.';
    END IF;
END $$;
COMMENT ON FUNCTION require_own_balance(text) IS
    'refuse (23001) an opening balance of an account whose balance follows from something else';
