-- ---------------------------------------------------------------------------
-- statement: the account of a client as a page to be signed by both
--
-- The other side's half stays blank: its accountant fills it in from his own books.
-- ---------------------------------------------------------------------------

CREATE FUNCTION statement_sample() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('label', page_labels('en'), 'brand', s -> 'brand', 'own', s -> 'own',
                              'client', s -> 'client') || $${
        "language": "en", "heading": "Reconciliation of accounts", "page_title": "Reconciliation of accounts",
        "period": "1 Mar 2026 – 31 Mar 2026", "date": "31 March 2026", "place": "London", "currency": "EUR",
        "opening": {"debit": "0.00", "credit": ""}, "turnover": {"debit": "100.00", "credit": "40.00"},
        "closing": {"debit": "60.00", "credit": ""},
        "rows": [{"date": "1 Mar 2026", "title": "Invoice No. 1", "debit": "100.00", "credit": ""}],
        "says": "On 31 March 2026 …"}$$::jsonb
      FROM page_sample() s;
END;
COMMENT ON FUNCTION statement_sample() IS 'every name that a template of kind statement may use, with an example';

CREATE FUNCTION statement_side(p_amount numeric, p_exponent integer, p_language text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'debit', CASE WHEN p_amount >= 0 THEN page_number(p_amount, p_exponent, p_language) ELSE '' END,
        'credit', CASE WHEN p_amount < 0 THEN page_number(-p_amount, p_exponent, p_language) ELSE '' END);
END;
COMMENT ON FUNCTION statement_side(numeric, integer, text) IS 'a balance on the side on which it stands';

CREATE FUNCTION statement_data(client bigint, from_date date, to_date date, currency text, language text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_label jsonb := page_labels(statement_data.language);
    v_own jsonb := party_words(default_own());
    v_party jsonb := party_words(client);
    v_brand brand;
    v_exponent int := currency_exponent(statement_data.currency);
    v_name text := coalesce(v_label ->> ('currency_' || statement_data.currency), statement_data.currency);
    v_sum record;
    v_creditor jsonb;
BEGIN
    SELECT coalesce(sum(s.debit), 0) AS debit, coalesce(sum(s.credit), 0) AS credit,
           coalesce(min(s.balance) FILTER (WHERE s.kind = 'opening balance'), 0) AS opening,
           coalesce(min(s.balance) FILTER (WHERE s.kind = 'closing balance'), 0) AS closing
      INTO v_sum
      FROM client_statement(client, from_date, to_date) s WHERE s.currency = statement_data.currency;
    SELECT * INTO v_brand FROM brand b WHERE b.own_id = (v_own ->> 'id')::bigint;
    v_creditor := page_party(CASE WHEN v_sum.closing < 0 THEN v_party ELSE v_own END, statement_data.language);
    RETURN jsonb_build_object(
        'label', v_label, 'language', statement_data.language, 'heading', v_label ->> 'statement',
        'page_title', v_label ->> 'statement', 'period', page_days(from_date, to_date, statement_data.language),
        'date', page_date(to_date, statement_data.language), 'currency', v_name,
        'brand', jsonb_build_object('name', coalesce(v_brand.name, v_own ->> 'name', ''), 'logo', v_brand.logo,
                                    'accent', coalesce(v_brand.accent, '#1f5673'),
                                    'ink', coalesce(v_brand.ink, '#1d252c'), 'footer', v_brand.footer),
        'own', page_party(v_own, statement_data.language), 'client', page_party(v_party, statement_data.language),
        'place', page_party(v_own, statement_data.language) ->> 'place',
        'opening', statement_side(v_sum.opening, v_exponent, statement_data.language),
        'turnover', jsonb_build_object('debit', page_number(v_sum.debit, v_exponent, statement_data.language),
                                       'credit', page_number(v_sum.credit, v_exponent, statement_data.language)),
        'closing', statement_side(v_sum.closing, v_exponent, statement_data.language),
        'rows', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'date', page_days(s.on_date, s.on_date, statement_data.language),
                'title', concat_ws(' ', coalesce(v_label ->> ('move_' || k.name), v_label ->> k.name, s.kind),
                                   (v_label ->> 'numero') || chr(160) || s.number),
                'debit', CASE WHEN s.debit <> 0 THEN page_number(s.debit, v_exponent, statement_data.language)
                              ELSE '' END,
                'credit', CASE WHEN s.credit <> 0 THEN page_number(s.credit, v_exponent, statement_data.language)
                               ELSE '' END) ORDER BY s.no), '[]')
              FROM client_statement(client, from_date, to_date) WITH ORDINALITY
                   s (on_date, kind, number, detail, debit, credit, balance, currency, document_id, payment_id, no)
             CROSS JOIN LATERAL (SELECT translate(s.kind, ' -', '__') AS name) k
             WHERE s.currency = statement_data.currency AND s.kind NOT IN ('opening balance', 'closing balance')),
        'says', CASE WHEN v_sum.closing = 0
                     THEN format(v_label ->> 'statement_even', page_date(to_date, statement_data.language))
                     ELSE format(v_label ->> 'statement_owed', page_date(to_date, statement_data.language),
                                 v_creditor ->> 'name',
                                 page_number(abs(v_sum.closing), v_exponent, statement_data.language) || chr(160)
                                 || v_name,
                                 amount_in_words(abs(v_sum.closing), statement_data.currency,
                                                 statement_data.language)) END);
END $$;
COMMENT ON FUNCTION statement_data(bigint, date, date, text, text) IS
    'what statement_html() says, as text written for the language: see statement_sample()';

CREATE FUNCTION statement_html(client bigint, from_date date, to_date date, currency text DEFAULT NULL,
                               language text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_language text := coalesce(statement_html.language, (
        SELECT w.said FROM unnest(ARRAY[client, default_own()]) WITH ORDINALITY p (id, no)
         CROSS JOIN LATERAL (SELECT party_words(p.id) #>> '{requisites,language}' AS said) w
         WHERE w.said IN ('uk', 'ru', 'en') ORDER BY p.no LIMIT 1), 'en');
    v_currencies text[] := ARRAY(SELECT DISTINCT s.currency FROM client_statement(client, from_date, to_date) s
                                  ORDER BY 1);
    v_currency text := coalesce(statement_html.currency, v_currencies[1]);
BEGIN
    IF NOT EXISTS (SELECT FROM party p WHERE p.id = client) THEN
        RAISE EXCEPTION 'there is no party %', client
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table party lists them.';
    ELSIF v_language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'statements have no language "%"', v_language
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    ELSIF v_currency IS NULL OR v_currency <> ALL (v_currencies) THEN
        RAISE EXCEPTION 'the account of party % has nothing in %', client, coalesce(v_currency, 'any currency')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = format('Until %s it has: %s.', iso(to_date),
                              coalesce(nullif(array_to_string(v_currencies, ', '), ''), 'nothing'));
    ELSIF statement_html.currency IS NULL AND cardinality(v_currencies) > 1 THEN
        RAISE EXCEPTION 'the account of party % is in several currencies: %', client,
            array_to_string(v_currencies, ', ')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give one of them: a statement is in one currency.';
    END IF;
    RETURN render((SELECT t.body FROM template t
                    WHERE t.kind = 'statement' AND (t.own_id IS NULL OR t.own_id = default_own())
                      AND (t.language IS NULL OR t.language = v_language)
                    ORDER BY t.own_id IS NULL, t.language IS NULL LIMIT 1),
                  statement_data(client, from_date, to_date, v_currency, v_language));
END $$;
COMMENT ON FUNCTION statement_html(bigint, date, date, text, text) IS
    'the account of a client between two days (client_statement()) as a page on which both sides agree it, in the '
    'language of the client: what our books say, a blank half for theirs, the balance in words, who signs. In one '
    'currency, by all contracts. Refused: an unknown party (23503), an unknown language, a currency that the account '
    'does not have, several where none is given (22023)';
SELECT allow('reader', 'execute', 'statement_html'), allow('reader', 'execute', 'statement_sample');
