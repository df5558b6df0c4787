-- Random histories of two clients: whatever is built, sent, rejected, revised,
-- void, invoiced, credited, paid, taken back and logged late, every charge is
-- at every moment in exactly one place, and all places together are all there is.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET jit = off;
SELECT finance.create_books('t_document_random');
SET search_path = t_document_random, t_document_random_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('contractor', 'Freelance Ltd');
INSERT INTO employee (name) VALUES ('Dev'), ('Junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 20, 'EUR'), (2, '2026-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
-- tax on top by line; tax inside in total
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate, tax_inclusive, tax_level) VALUES
    (2, 1, 'A-1', 'EUR', '2026-01-01', 20, false, 'line'), (3, 1, 'B-1', 'EUR', '2026-01-01', 7, true, 'total');
INSERT INTO task (project_id, title, work_type_id) SELECT 1 + n % 2, 'Task ' || n, CASE WHEN n % 5 = 0 THEN 5 ELSE 1 END FROM generate_series(0, 9) n;
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');

-- A number from 0 to n - 1, the same in every run.
CREATE TABLE seed (step int);
INSERT INTO seed VALUES (0);
CREATE FUNCTION dice(what text, n int) RETURNS int LANGUAGE sql AS
$$ SELECT (('x' || substr(md5(what || s.step), 1, 7))::bit(28)::int % n)::int FROM seed s $$;
-- One of the documents of a kind in some statuses, by the dice.
CREATE FUNCTION some_document(p_kind text, p_statuses text[]) RETURNS bigint LANGUAGE sql AS
$$ SELECT (array_agg(d.id ORDER BY d.id))[1 + dice('document', count(*)::int)] FROM document d WHERE d.kind = p_kind AND d.status = ANY (p_statuses) HAVING count(*) > 0 $$;
-- What a credit means, or that it is not said.
CREATE FUNCTION some_meaning() RETURNS text LANGUAGE sql AS
$$ SELECT (ARRAY[NULL, 'rebill', 'waive'])[1 + dice('meaning', 3)] $$;

CREATE FUNCTION take_turn(p_action text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_client int := 2 + dice('client', 2);
    v_filter jsonb := CASE WHEN dice('filter', 3) > 0 THEN jsonb_build_object('client', v_client)
                           ELSE jsonb_build_object('task', (SELECT t.id FROM task t WHERE t.project_id = v_client - 1 ORDER BY t.id OFFSET dice('task', 5) LIMIT 1)) END;
    v_options jsonb := CASE dice('discount', 4) WHEN 0 THEN '{"discount_pct": "3.5"}' WHEN 1 THEN '{"positions": "day"}' ELSE '{}' END::jsonb;
    v_id bigint;
BEGIN
    CASE p_action
        WHEN 'log' THEN
            INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
            VALUES (1 + dice('who', 2), 1 + dice('task', 10), date '2026-03-01' + dice('day', 60), 1200 * (1 + dice('long', 5))) RETURNING id INTO v_id;
        WHEN 'edit' THEN
            UPDATE time_entry e SET duration_s = e.duration_s + 600 WHERE e.id = (SELECT x.id FROM time_entry x ORDER BY x.id DESC OFFSET dice('entry', 10) LIMIT 1) RETURNING id INTO v_id;
        WHEN 'remove' THEN
            DELETE FROM time_entry e WHERE e.id = (SELECT x.id FROM time_entry x ORDER BY x.id DESC OFFSET dice('entry', 10) LIMIT 1) RETURNING id INTO v_id;
        WHEN 'correct' THEN
            SELECT (c.reversed)[1] INTO v_id
              FROM (SELECT e.id, e.duration_s FROM time_entry e JOIN charge h ON h.time_entry_id = e.id AND h.frozen_at IS NOT NULL AND h.amount > 0
                     ORDER BY h.id DESC OFFSET dice('entry', 12) LIMIT 1) e,
                   LATERAL correct_entry(e.id, jsonb_build_object('duration_s', e.duration_s + 300 * (dice('more', 5) - 2)), 'was wrong') c;
        WHEN 'build' THEN v_id := build_report(v_filter, v_options);
        WHEN 'build invoice' THEN v_id := build_invoice(v_filter, v_options);
        WHEN 'refresh' THEN v_id := refresh_draft(some_document('report', '{draft}'));
        WHEN 'discard' THEN
            v_id := some_document('report', '{draft}');
            PERFORM discard(v_id) WHERE v_id IS NOT NULL;
        WHEN 'send' THEN
            v_id := some_document('report', '{draft}');
            PERFORM transition(v_id, 'sent') WHERE v_id IS NOT NULL;
        WHEN 'agree' THEN
            v_id := some_document('report', '{sent}');
            PERFORM transition(v_id, 'agreed') WHERE v_id IS NOT NULL;
        WHEN 'reject' THEN
            v_id := some_document('report', '{sent}');
            PERFORM transition(v_id, 'rejected', 'no') WHERE v_id IS NOT NULL;
        WHEN 'revise' THEN v_id := revise(some_document('report', '{sent,rejected}'));
        WHEN 'void report' THEN
            v_id := some_document('report', '{sent,agreed,invoiced,paid}');
            PERFORM void(v_id, 'no') WHERE v_id IS NOT NULL;
        WHEN 'invoice' THEN v_id := issue_invoice(some_document('report', '{agreed,agreed,sent}'));
        WHEN 'issue' THEN v_id := issue_invoice(some_document('invoice', '{draft}'));
        WHEN 'void invoice' THEN
            v_id := some_document('invoice', '{sent,partly_paid}');
            PERFORM void(v_id, 'no') WHERE v_id IS NOT NULL;
        WHEN 'act' THEN v_id := issue_act(some_document('invoice', '{sent,paid}'));
        WHEN 'credit' THEN v_id := credit(some_document('invoice', '{sent,partly_paid,paid}'), '[{"position": 1}]', 'no', meaning => some_meaning());
        WHEN 'credit in part' THEN
            SELECT credit(l.document_id, jsonb_build_array(jsonb_build_object('line', l.id, 'net', round(l.net / 3, 2)::text)), 'less', meaning => some_meaning()) INTO v_id
              FROM document_line l WHERE l.document_id = some_document('invoice', '{sent,partly_paid,paid}') ORDER BY l.id LIMIT 1;
        WHEN 'credit all' THEN v_id := credit(some_document('invoice', '{sent,partly_paid,paid}'), NULL, 'no', meaning => some_meaning());
        WHEN 'pay' THEN
            INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
            VALUES ('in', 'posted', '2026-05-01', 0.01 * (1 + dice('money', 30000)), 'EUR', 1, 'revenue', v_client) RETURNING id INTO v_id;
            PERFORM allocate_payment(v_id);
        WHEN 'pay exactly' THEN
            INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
            SELECT 'in', 'posted', '2026-05-01', b.open, 'EUR', 1, 'revenue', b.party_id FROM document_balance b WHERE b.kind = 'invoice' AND b.open > 0 ORDER BY b.document_id LIMIT 1
            RETURNING id INTO v_id;
            PERFORM allocate_payment(v_id) WHERE v_id IS NOT NULL;
        WHEN 'use credit' THEN v_id := nullif(apply_credit(some_document('invoice', '{sent,partly_paid}')), 0);
        WHEN 'unpay' THEN
            SELECT unallocate(a.payment_id)::bigint INTO v_id FROM payment_allocation a ORDER BY a.id DESC OFFSET dice('allocation', 4) LIMIT 1;
        WHEN 'void payment' THEN
            UPDATE payment p SET status = 'void' WHERE p.id = (SELECT x.id FROM payment x WHERE x.status = 'posted' ORDER BY x.id DESC OFFSET dice('payment', 4) LIMIT 1) RETURNING id INTO v_id;
    END CASE;
    RETURN v_id;
END $$;

-- The oracle: from lines, payments and the ledger, not from the view of places.
CREATE FUNCTION broken_rule() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v record;
BEGIN
    IF EXISTS (SELECT FROM charge h LEFT JOIN charge_place l ON l.charge_id = h.id GROUP BY h.id HAVING count(l.charge_id) <> 1) THEN
        RETURN 'a charge is not in one place';
    END IF;
    SELECT (SELECT sum(h.amount) FROM charge h) AS all_of_it,
           (SELECT coalesce(sum(u.amount), 0) FROM unbilled u) AS unbilled,
           (SELECT coalesce(sum(l.net + coalesce((SELECT sum(n.net) FROM document_line n WHERE n.reverses_line_id = l.id), 0)), 0)
              FROM document_line l JOIN document d ON d.id = l.document_id
             WHERE d.kind = 'invoice' AND d.status NOT IN ('draft', 'void') AND l.released_at IS NULL) AS billed,
           (SELECT coalesce(sum(h.amount), 0) FROM charge h WHERE h.coverage IN ('no_charge', 'capped')) AS no_charge INTO v;
    IF v.all_of_it <> v.billed + v.unbilled + v.no_charge THEN
        RETURN format('%s in all, %s billed, %s unbilled', v.all_of_it, v.billed, v.unbilled);
    END IF;
    -- what clients owe by the ledger: work, and tax of what stands, less what they paid
    SELECT (SELECT sum(b.balance) FROM account_balance b WHERE b.account IN ('receivable', 'unbilled')) AS receivable,
           (SELECT coalesce(sum(d.tax), 0) FROM document d WHERE d.kind IN ('invoice', 'credit_note') AND d.status NOT IN ('draft', 'void')) AS tax,
           (SELECT coalesce(sum(p.amount), 0) FROM payment p WHERE p.status = 'posted') AS paid INTO v;
    IF v.receivable <> (SELECT sum(h.amount) FROM charge h) + v.tax - v.paid THEN
        RETURN format('receivable %s, tax %s, paid %s', v.receivable, v.tax, v.paid);
    END IF;
    IF (SELECT coalesce(sum(c.credit), 0) FROM client_credit c) <> v.paid - (SELECT coalesce(sum(a.amount), 0) FROM payment_allocation a) THEN
        RETURN 'credit is not what is paid and not allocated';
    END IF;
    IF (SELECT coalesce(sum(y.paid), 0) FROM line_payment y) <> (SELECT coalesce(sum(a.amount), 0) FROM payment_allocation a) THEN
        RETURN 'what lines are paid is not what is allocated';
    END IF;
    -- work on a live document is never offered; free work always is
    IF EXISTS (SELECT FROM document_line l JOIN document d ON d.id = l.document_id
                CROSS JOIN LATERAL (SELECT f.charge_id FROM filtered_charge(jsonb_build_object('client', d.party_id), d.party_id) f WHERE f.charge_id = l.charge_id) f
                WHERE d.kind IN ('report', 'invoice') AND l.released_at IS NULL) THEN
        RETURN 'work is offered that is on a document';
    END IF;
    IF EXISTS (SELECT FROM charge h
                WHERE h.source = 'time' AND h.reverses_id IS NULL AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
                  AND NOT EXISTS (SELECT FROM document_line l WHERE l.charge_id = h.id AND l.kind IN ('report', 'invoice') AND l.released_at IS NULL)
                  AND NOT EXISTS (SELECT FROM filtered_charge(jsonb_build_object('charges', h.id), h.client_id) f WHERE f.charge_id = h.id)) THEN
        RETURN 'free work is not offered';
    END IF;
    RETURN (SELECT min(format('%s: %s (%s)', p.rule, p.subject, p.detail)) FROM document_problems p);
END $$;

CREATE TABLE turn (step int, action text, done boolean, refusal text);
DO $$
DECLARE
    c_actions CONSTANT text[] := '{log,log,log,log,log,edit,correct,correct,remove,build,build,build invoice,refresh,discard,send,send,agree,agree,agree,reject,revise,void report,'
        'invoice,invoice,invoice,issue,issue,void invoice,act,credit,credit in part,credit in part,credit all,pay,pay,pay exactly,use credit,unpay,void payment}';
    v_action text;
    v_id bigint;
    v_broken text;
BEGIN
    FOR v_step IN 1 .. 500 LOOP
        UPDATE seed SET step = v_step;
        v_action := c_actions[1 + dice('action', cardinality(c_actions))];
        BEGIN
            v_id := take_turn(v_action);
            INSERT INTO turn VALUES (v_step, v_action, v_id IS NOT NULL, NULL);
        EXCEPTION WHEN restrict_violation OR invalid_parameter_value OR check_violation OR foreign_key_violation THEN
            INSERT INTO turn VALUES (v_step, v_action, false, SQLERRM);
        END;
        IF v_step % 5 = 0 THEN
            v_broken := broken_rule();
            IF v_broken IS NOT NULL THEN
                RAISE EXCEPTION 'broken after step %, %: %', v_step, v_action, v_broken;
            END IF;
        END IF;
    END LOOP;
END $$;

-- every action was taken, some were refused, and the books are healthy
SELECT action, count(*) FILTER (WHERE done) > 0 AS taken FROM turn GROUP BY 1 ORDER BY 1;
SELECT count(*) AS turns, count(refusal) > 20 AS refusals FROM turn;
SELECT count(DISTINCT to_status) >= 10 AS statuses FROM document_status_change;
SELECT broken_rule();
SELECT * FROM check_books();

-- voiding and crediting everything sets all work free but what was given up: nothing was lost
DO $$
DECLARE
    v_id bigint;
BEGIN
    UPDATE payment SET status = 'void' WHERE status = 'posted';
    FOR v_id IN SELECT d.id FROM document d WHERE d.kind = 'invoice' AND d.status NOT IN ('void', 'credited') ORDER BY d.id DESC LOOP
        IF EXISTS (SELECT FROM document d WHERE d.id = v_id AND d.status = 'sent')
            AND EXISTS (SELECT FROM document c WHERE c.based_on = v_id AND c.kind = 'credit_note')
            OR EXISTS (SELECT FROM document d WHERE d.id = v_id AND d.status = 'paid') THEN
            PERFORM credit(v_id, NULL, 'all', meaning => 'rebill') WHERE EXISTS (SELECT FROM document_line l LEFT JOIN line_credit c ON c.line_id = l.id WHERE l.document_id = v_id AND l.net <> coalesce(c.net, 0));
        ELSE
            PERFORM void(v_id, 'all');
        END IF;
    END LOOP;
    FOR v_id IN SELECT d.id FROM document d WHERE d.kind = 'report' AND d.status IN ('draft', 'sent', 'agreed') ORDER BY d.id LOOP
        PERFORM void(v_id, 'all');
    END LOOP;
END $$;
SELECT broken_rule();
SELECT (SELECT sum(amount) FROM unbilled) = sum(h.amount) AS all_free,
       sum(h.amount) FILTER (WHERE l.place <> 'credited' AND (h.source = 'time' OR h.why ? 'billed_again')) = sum(h.amount) AS adjustments_cancel,
       sum(h.amount) FILTER (WHERE l.place = 'credited') = 0 AS nothing_kept, sum(h.amount) FILTER (WHERE h.why @? '$.credited ? (@.meaning == "waive")') < 0 AS some_given_up,
       sum(h.worked_s) FILTER (WHERE h.source = 'time') = (SELECT sum(worked_s) FROM time_entry) AS all_work
  FROM charge h JOIN charge_place l ON l.charge_id = h.id;
SELECT balance FROM account_balance WHERE account = 'tax_payable';
SELECT * FROM check_books();
