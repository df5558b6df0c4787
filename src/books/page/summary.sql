-- ---------------------------------------------------------------------------
-- summary: what a report comes to, for its first page
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_money(amount numeric, currency text, language text, label jsonb) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE language WHEN 'en' THEN m.name || U&'\00A0' || m.amount ELSE m.amount || U&'\00A0' || m.name END
      FROM (SELECT page_number(page_money.amount, currency_exponent(currency), language) AS amount,
                   coalesce(label ->> ('currency_' || currency), currency) AS name) m;
END;
COMMENT ON FUNCTION page_money(numeric, text, text, jsonb) IS
    'an amount with its currency as a language writes them: EUR 1,234.50, 1 234,50 грн';

CREATE FUNCTION page_change(change numeric, decimals int, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN round(change, decimals) > 0 THEN '+' ELSE '' END || page_number(change, decimals, language);
END;
COMMENT ON FUNCTION page_change(numeric, int, text) IS 'a number that says its sign also where it grew';

-- A discount of a position has gone into its amount; that of the document has not.
CREATE FUNCTION given_discount(document bigint) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(r.discount + CASE WHEN r.discount_pct = 100 THEN round_money(r.quantity * r.price, x.exponent)
                                          WHEN r.discount_pct > 0
                                          THEN round_money(r.amount * r.discount_pct / (100 - r.discount_pct),
                                                           x.exponent)
                                          ELSE 0 END), 0)
      FROM document d
     CROSS JOIN LATERAL (SELECT currency_exponent(d.currency) AS exponent) x
     CROSS JOIN LATERAL document_rows(d.id) r
     WHERE d.id = given_discount.document;
END;
COMMENT ON FUNCTION given_discount(bigint) IS
    'what a document gives away by discounts, of its positions and of the whole, in its prices';

CREATE FUNCTION page_summary(p_document document, p_summary jsonb, p_totals jsonb, language text, label jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH fact (no, name, value) AS (
        VALUES (1, label ->> 'gross', p_totals ->> 'gross_money'),
               (2, label ->> 'worked',
                page_number(nullif((p_summary ->> 'worked_s')::numeric, 0) / 3600, 2, language)),
               (3, label ->> 'summary_billed',
                page_number(CASE WHEN p_summary ->> 'worked_s' <> '0' THEN (p_summary ->> 'billed_s')::numeric / 3600
                            END, 2, language)),
               (9, label ->> 'summary_discount',
                page_money(nullif(given_discount(p_document.id), 0), p_document.currency, language, label))
        UNION ALL
        SELECT c.no, label ->> ('summary_' || c.coverage),
               page_number((p_summary -> 'covered' ->> c.coverage)::numeric / 3600, 2, language)
          FROM (VALUES (4, 'no_charge'), (5, 'included'), (6, 'prepaid'), (7, 'capped')) c (no, coverage)
    )
    SELECT jsonb_build_object(
        'facts', (SELECT jsonb_agg(jsonb_build_object('name', f.name, 'value', f.value) ORDER BY f.no) FROM fact f
                   WHERE f.value IS NOT NULL),
        'before', (SELECT jsonb_build_object(
                       'period', page_days(b."from", b."to", language),
                       'gross_money', page_money(b.gross, p_document.currency, language, label),
                       'hours_billed', page_number(b.billed_s / 3600, 2, language),
                       'gross_change', page_change(n.gross - b.gross, currency_exponent(p_document.currency), language),
                       'hours_change', page_change(((p_summary ->> 'billed_s')::numeric - b.billed_s) / 3600, 2,
                                                   language))
                     FROM jsonb_to_record(nullif(p_summary -> 'before', 'null'))
                          AS b ("from" date, "to" date, gross numeric, billed_s numeric)
                    CROSS JOIN LATERAL (SELECT coalesce(p_document.gross, (
                            SELECT sum(r.gross) FROM document_rows(p_document.id) r)) AS gross) n
                    WHERE b.gross IS NOT NULL))
     WHERE p_summary IS NOT NULL;
END;
COMMENT ON FUNCTION page_summary(document, jsonb, jsonb, text, jsonb) IS
    'what a report comes to, written for a language: total, hours worked, charged and not charged by why (coverage), '
    'discounts, and what the report of the period before came to; NULL for other documents. p_summary is '
    'report_summary(), as it was kept';
