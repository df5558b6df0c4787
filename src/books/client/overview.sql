-- ---------------------------------------------------------------------------
-- overview: all that a client may see of what is his
--
-- His documents, the work that is on none of them yet, and what is left of his
-- contracts.  Never what work costs us, who did it, nor what is not billable.
-- ---------------------------------------------------------------------------

CREATE FUNCTION client_language(client bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT w.language
                       FROM (VALUES (1, client_language.client), (2, default_own())) AS x (no, id)
                       JOIN party p ON p.id = x.id
                      CROSS JOIN LATERAL (SELECT p.requisites ->> 'language') AS w (language)
                      WHERE w.language IN ('uk', 'ru', 'en') ORDER BY x.no LIMIT 1), 'en');
END;
COMMENT ON FUNCTION client_language(bigint) IS
    'the language of pages for a client: requisites ->> ''language'' of the party, else of our first company, else '
    'English';

CREATE FUNCTION client_documents(client bigint) RETURNS TABLE (
        document bigint, kind text, number text, issued_on date, due_on date, title text, status text, shown_as text,
        currency text, gross numeric(18,2), open numeric(18,2), asks boolean, overdue boolean, reminded integer,
        reminded_on date, fee numeric(18,2), interest numeric(18,2))
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.id, d.kind, d.number, d.issued_on, d.due_on, d.title, d.status, s.shown_as, d.currency,
           d.gross::numeric(18,2), CASE WHEN b.flow = 'in' AND b.open > 0 THEN b.open END::numeric(18,2),
           asks_answer(d), coalesce(b.flow = 'in' AND b.open > 0 AND d.due_on < books_today(), false),
           r.level, r.on_day, r.fee::numeric(18,2), r.interest::numeric(18,2)
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN document_balance b ON b.document_id = d.id
      LEFT JOIN LATERAL (SELECT * FROM reminder r WHERE r.document_id = d.id AND r.withdrawn_at IS NULL AND b.open > 0
                          ORDER BY r.level DESC LIMIT 1) r ON true
     WHERE d.party_id = client_documents.client AND d.issued_at IS NOT NULL AND NOT d.incoming AND NOT s.withdrawn
     ORDER BY d.issued_on DESC, d.id DESC;
END;
COMMENT ON FUNCTION client_documents(bigint) IS
    'what was issued to a client and still stands, the latest first: what is open of it (NULL: nothing), whether it '
    'asks for his answer, whether it is overdue; of what is open the level of the last reminder (reminded), its day, '
    'and the fees and interest that it claims';

-- What is not billed goes with its period: a bug of last year is no news.
CREATE FUNCTION client_work(client bigint, language text) RETURNS TABLE (
        contract_id bigint, contract text, project text, title text, last_day date, coverage text, currency text,
        hours numeric(18,2), amount numeric(18,2))
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.id, c.number, j.name, w.title, max(h.service_date), nullif(h.coverage, 'billable'), h.currency,
           (sum(h.billed_s) / 3600.0)::numeric(18,2), sum(coalesce(h.gross, h.amount))::numeric(18,2)
      FROM contract c
      JOIN charge h ON h.contract_id = c.id
      JOIN charge_place y ON y.charge_id = h.id
      LEFT JOIN document d ON d.id = y.claimed_by
      LEFT JOIN project j ON j.id = h.project_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN item i ON i.id = h.item_id
      LEFT JOIN contract_line n ON n.id = h.contract_line_id AND h.source IN ('fee', 'stage')
     CROSS JOIN LATERAL (
        SELECT coalesce(n.title, i.name, paper_title(h.source, concat_ws(' ', t.number, t.title), h.why,
                                                     client_work.language)) AS title) w
     WHERE c.client_id = client_work.client
       AND (y.place = 'unbilled' OR y.place = 'reported' AND d.issued_at IS NULL
            OR y.place IN ('no_charge', 'written_off') AND h.frozen_at IS NULL)
     GROUP BY c.id, c.number, j.name, w.title, h.coverage, h.currency
    HAVING sum(h.billed_s) <> 0 OR sum(coalesce(h.gross, h.amount)) <> 0 OR h.coverage <> 'billable'
     ORDER BY c.number, j.name, max(h.service_date), w.title;
END;
COMMENT ON FUNCTION client_work(bigint, text) IS
    'the work for a client that is on no document he has, by contract, project and task: the last day of it, hours as '
    'they are billed and the amount, as the contract prices it (tax inside only where the contract says so); '
    'coverage where it is not charged (included, prepaid, no_charge, capped; of open periods). What is not billable is '
    'not there';

CREATE FUNCTION client_budget(client bigint) RETURNS TABLE (
        contract_id bigint, contract text, title text, currency text, period_from date, period_to date,
        work numeric(18,2), balance numeric(18,2), hours_left numeric(18,2), cap_left numeric(18,2),
        cap_hours_left numeric(18,2))
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.id, c.number, c.title, c.currency, lower(p.span), upper(p.span) - 1, u.work::numeric(18,2),
           CASE WHEN c.model = 'prepaid_money' OR k.balance > 0 THEN k.balance END, k.hours_left,
           CASE WHEN num_nonnulls(c.cap_amount, q.amount) > 0
                THEN greatest(least(c.cap_amount - u.amount, q.amount - u.period), 0) END::numeric(18,2),
           CASE WHEN num_nonnulls(c.cap_s, q.billed_s) > 0
                THEN greatest(least(c.cap_s - u.billed_s, q.billed_s - u.period_s), 0) / 3600.0
                END::numeric(18,2)
      FROM contract c
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN contract_card k ON k.contract_id = c.id
     CROSS JOIN LATERAL (SELECT service_period(b, contract_today(b)) AS span) p
      JOIN currency_code x ON x.code = c.currency
     CROSS JOIN LATERAL (SELECT CASE WHEN p.span && l.days THEN p.span * l.days ELSE p.span END AS span
                           FROM (SELECT daterange(c.starts_on, c.ends_on, '[]') AS days) l) d
     -- as rating has them: cut to the days of a part period, and of work and items alone
     CROSS JOIN LATERAL (
        SELECT prorate(c.period_cap_amount, p.span, d.span, c.prorate, x.exponent::int) AS amount,
               prorate(c.period_cap_s, p.span, d.span, c.prorate, 0) AS billed_s) q
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(g.priced) FILTER (WHERE g.capped), 0) AS amount,
               coalesce(sum(h.billed_s) FILTER (WHERE g.capped AND h.coverage = 'billable'), 0) AS billed_s,
               coalesce(sum(g.priced) FILTER (WHERE p.span @> h.service_date), 0) AS work,
               coalesce(sum(g.priced) FILTER (WHERE g.capped AND p.span @> h.service_date), 0) AS period,
               coalesce(sum(h.billed_s) FILTER (WHERE g.capped AND h.coverage = 'billable'
                                                      AND p.span @> h.service_date), 0) AS period_s
          FROM charge h
         CROSS JOIN LATERAL (SELECT coalesce(h.gross, h.amount) AS priced, h.source IN ('time', 'item') AS capped) g
         WHERE h.contract_id = c.id) u
     WHERE c.client_id = client_budget.client AND c.status = 'active'
     ORDER BY c.number;
END;
COMMENT ON FUNCTION client_budget(bigint) IS
    'what is left of a client''s contracts in force: the service period of today and the work in it, what is prepaid '
    'and not used (balance, with tax), hours of allotments, and what caps still take (the tighter of that of the whole '
    'life and that of the period, cut to the days of a part period); money as the contract prices it; NULL where the '
    'contract has no such limit';

CREATE FUNCTION client_overview(client bigint, language text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_language text := coalesce(client_overview.language, client_language(client_overview.client));
    v_party party;
BEGIN
    SELECT p.* INTO v_party FROM party p WHERE p.id = client_overview.client;
    IF v_party.id IS NULL THEN
        RAISE EXCEPTION 'there is no party %', client_overview.client
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table party lists the clients.';
    END IF;
    RETURN jsonb_build_object(
        'client', v_party.name, 'language', v_language,
        'documents', (SELECT coalesce(jsonb_agg(to_jsonb(d) || jsonb_build_object('gross', d.gross::text,
                                                                                  'open', d.open::text,
                                                                                  'fee', d.fee::text,
                                                                                  'interest', d.interest::text)
                                                ORDER BY d.issued_on DESC, d.document DESC), '[]')
                        FROM client_documents(v_party.id) d),
        'work', (SELECT coalesce(jsonb_agg(to_jsonb(w) - 'contract_id'
                                           || jsonb_build_object('hours', w.hours::text, 'amount', w.amount::text)
                                           ORDER BY w.contract, w.project, w.last_day, w.title), '[]')
                   FROM client_work(v_party.id, v_language) w),
        'contracts', (SELECT coalesce(jsonb_agg(to_jsonb(b) - 'contract_id' || jsonb_build_object(
                                 'work', b.work::text, 'balance', b.balance::text, 'hours_left', b.hours_left::text,
                                 'cap_left', b.cap_left::text, 'cap_hours_left', b.cap_hours_left::text)
                                 ORDER BY b.contract), '[]')
                        FROM client_budget(v_party.id) b));
END $$;
COMMENT ON FUNCTION client_overview(bigint, text) IS
    'all that a client may see of what is his: documents (client_documents()), work on none of them (client_work()), '
    'contracts and what is left of them (client_budget()); money and hours as text. Refused: an unknown party (23503)';
SELECT allow('reader', 'execute', 'client_overview');
