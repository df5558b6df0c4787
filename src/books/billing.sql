-- ---------------------------------------------------------------------------
-- billing: what is charged beside time
--
-- Fees and stages, items and expenses, fixed prices of tasks, prepaid blocks,
-- write-offs.  Each becomes a charge, provisional like those of time until a
-- report, an invoice or the close of its period freezes it.
-- ---------------------------------------------------------------------------

-- A contract that is over has a last day, and closes the period it lies in.
CREATE FUNCTION end_contract() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.ends_on := coalesce(NEW.ends_on, greatest(NEW.starts_on, contract_today(NEW)));
    RETURN NEW;
END $$;
COMMENT ON FUNCTION end_contract() IS 'trigger function of contract: one that is ended or cancelled without a day ends today';
CREATE TRIGGER contract_ended BEFORE INSERT OR UPDATE OF status, ends_on ON contract
    FOR EACH ROW WHEN (NEW.status IN ('ended', 'cancelled') AND NEW.ends_on IS NULL) EXECUTE FUNCTION end_contract();

CREATE FUNCTION base_contract(p_contract bigint) RETURNS contract
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
BEGIN
    SELECT b.* INTO v_contract FROM contract c JOIN contract b ON b.id = coalesce(c.parent_id, c.id) WHERE c.id = p_contract;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no contract %', p_contract
            USING ERRCODE = 'foreign_key_violation', HINT = 'View contract_card lists the contracts.';
    END IF;
    RETURN v_contract;
END $$;
COMMENT ON FUNCTION base_contract(bigint) IS 'a contract, or the base of a companion: it has the periods of both; refused (23503) when there is none';

CREATE FUNCTION lock_contract(p_contract bigint) RETURNS contract
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_contracts(ARRAY[p_contract]);
    RETURN base_contract(p_contract);
END $$;
COMMENT ON FUNCTION lock_contract(bigint) IS 'hold the client of a contract and return the base contract as it is then; refused (23503) when there is none';

CREATE FUNCTION open_period(p_base contract, OUT span daterange, OUT opens_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT period_of(d.day, (p_base).period, (p_base).anchor_day), d.day::timestamp AT TIME ZONE contract_zone((p_base).calendar_id)
      FROM (SELECT coalesce((SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = (p_base).id),
                            lower(period_of((p_base).starts_on, (p_base).period, (p_base).anchor_day))) AS day) d;
END;
COMMENT ON FUNCTION open_period(contract) IS 'the earliest service period of a base contract that is not closed, and the instant at which it begins';

-- One charge that is no work.  Its currency and client are the contract's; in
-- a closed period it is billed in the open one, marked late.
CREATE FUNCTION new_charge(p_source text, p_contract bigint, p_service_date date, p_amount numeric, p_reason text,
    p_cost numeric DEFAULT 0, p_line bigint DEFAULT NULL, p_item bigint DEFAULT NULL, p_task bigint DEFAULT NULL, p_employee bigint DEFAULT NULL,
    p_quantity numeric DEFAULT NULL, p_price numeric DEFAULT NULL, p_discount_pct numeric DEFAULT NULL, p_price_source text DEFAULT NULL,
    p_price_list bigint DEFAULT NULL, p_key text DEFAULT NULL, p_adjusts bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
    v_base contract := base_contract(p_contract);
    v_open record;
    v_span daterange;
    v_setting setting;
    v_exponent int;
    v_rate numeric;
    v_id bigint;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = p_contract;
    SELECT * INTO v_setting FROM setting;
    IF p_service_date IS NULL OR NOT isfinite(p_service_date) THEN
        RAISE EXCEPTION 'a charge needs the day of its service'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a date.';
    END IF;
    IF v_contract.status = 'draft' OR p_service_date < v_contract.starts_on THEN
        RAISE EXCEPTION 'contract "%" is not in force on %', v_contract.number, p_service_date
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('It is %s and starts on %s.', v_contract.status, v_contract.starts_on),
                HINT = 'Check the date, or activate the contract.';
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    IF p_amount <> round_money(p_amount, v_exponent) THEN
        RAISE EXCEPTION 'a charge of % %, which % cannot hold', trim_scale(p_amount), v_contract.currency, v_contract.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_amount_exact', HINT = 'Round the amount first.';
    END IF;
    v_rate := exchange_rate_on(v_contract.currency, v_setting.base_currency, p_service_date);
    IF v_rate IS NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', v_contract.currency, v_setting.base_currency, p_service_date
            USING ERRCODE = 'foreign_key_violation', HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_setting.base_currency;
    v_open := open_period(v_base);
    v_span := period_of(p_service_date, v_base.period, v_base.anchor_day);

    INSERT INTO charge (source, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id, direction_id,
           item_id, service_date, period_start, started_at, coverage, quantity, price, price_source, price_list_id, discount_pct, amount, currency,
           base_rate, base_amount, cost, base_cost, reason, late, key, adjusts_id)
    SELECT p_source, p_line, v_contract.id, v_contract.client_id, coalesce(t.project_id, v_contract.project_id), t.deal_id, p_task, p_employee,
           t.work_type_id, coalesce(p.direction_id, m.direction_id), p_item, p_service_date, greatest(lower(v_span), lower(v_open.span)),
           p_service_date::timestamp AT TIME ZONE contract_zone(v_base.calendar_id), 'billable', p_quantity, p_price, p_price_source, p_price_list,
           p_discount_pct, p_amount, v_contract.currency, v_rate, round_money(p_amount * v_rate, v_exponent), p_cost,
           round_money(p_cost * v_rate, v_exponent), p_reason, lower(v_span) < lower(v_open.span), p_key, p_adjusts
      FROM (SELECT 1) one
      LEFT JOIN task t ON t.id = p_task
      LEFT JOIN project p ON p.id = coalesce(t.project_id, v_contract.project_id)
      LEFT JOIN employee m ON m.id = p_employee
    ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
    RETURNING id INTO v_id;
    -- Another client's charge took the key meanwhile: that is refused.
    RETURN coalesce(v_id, known_charge(p_key, p_contract, p_source, p_service_date, p_item, p_quantity, p_amount));
END $$;
COMMENT ON FUNCTION new_charge(text, bigint, date, numeric, text, numeric, bigint, bigint, bigint, bigint, numeric, numeric, numeric, text, bigint, text, bigint) IS
    'make a provisional charge that is no work and return its id; refused before the contract''s start (23001), for amounts its currency cannot hold '
    '(23514) and without an exchange rate (23503)';

-- A charge made before under the same key: the same content again is that
-- charge, another content is refused.
CREATE FUNCTION known_charge(p_key text, p_contract bigint, p_source text, p_service_date date, p_item bigint, p_quantity numeric, p_amount numeric)
    RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge charge;
BEGIN
    SELECT * INTO v_charge FROM charge h WHERE h.key = p_key;
    IF FOUND AND (v_charge.contract_id, v_charge.source, v_charge.service_date, v_charge.item_id, v_charge.quantity, coalesce(p_amount, v_charge.amount))
        IS DISTINCT FROM (p_contract, p_source, p_service_date, p_item, p_quantity, v_charge.amount) THEN
        RAISE EXCEPTION 'key "%" was used before for charge % with other content', p_key, v_charge.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'charge_key_key',
                HINT = 'Send the same content again, or use another key for another charge.';
    END IF;
    RETURN v_charge.id;
END $$;
COMMENT ON FUNCTION known_charge(text, bigint, text, date, bigint, numeric, numeric) IS
    'the charge made before under a key, NULL when there is none; refused (23505) when its content was another';

-- ---------------------------------------------------------------------------
-- fees and stages
-- ---------------------------------------------------------------------------

-- The fees that a period is due, as the contract's lines say now.
CREATE FUNCTION due_fees(p_base bigint, p_span daterange)
    RETURNS TABLE (line_id bigint, contract_id bigint, item_id bigint, service_date date, amount numeric, cost numeric, reason text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.id, c.id, n.item_id, lower(a.days), f.amount, f.cost,
           n.title || CASE WHEN n.kind = 'one_time' THEN ', once'
                           WHEN n.prorate = 'none' OR a.days = p_span THEN format(', from %s to %s', iso(lower(a.days)), iso(upper(a.days) - 1))
                           ELSE format(', from %s to %s: %s of the %s days of the period (rule %s) of %s', iso(lower(a.days)), iso(upper(a.days) - 1),
                                       upper(a.days) - lower(a.days), upper(p_span) - lower(p_span), n.prorate, round(n.amount, u.exponent)) END
      FROM contract c
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind IN ('recurring', 'one_time') AND n.status <> 'cancelled'
     CROSS JOIN LATERAL (SELECT p_span * CASE n.kind
            WHEN 'one_time' THEN daterange(coalesce(n.starts_on, c.starts_on), coalesce(n.starts_on, c.starts_on), '[]') * daterange(c.starts_on, c.ends_on, '[]')
            ELSE daterange(greatest(n.starts_on, c.starts_on), least(n.ends_on, c.ends_on), '[]') END AS days) a
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN n.amount ELSE prorate(n.amount, p_span, a.days, n.prorate, u.exponent::int) END AS amount,
                                CASE n.kind WHEN 'one_time' THEN n.cost ELSE prorate(n.cost, p_span, a.days, n.prorate, u.exponent::int) END AS cost
                          WHERE NOT isempty(a.days)) f
     WHERE c.id = ANY (contract_group(p_base)) AND c.status <> 'draft' AND NOT isempty(a.days) AND (f.amount <> 0 OR f.cost <> 0);
END;
COMMENT ON FUNCTION due_fees(bigint, daterange) IS
    'recurring and one-time fees of a contract and its companions in one service period, prorated to the days that the line is in force in it';

CREATE FUNCTION charge_fees_of(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_fee record;
BEGIN
    -- Fees follow their lines until they are frozen.
    DELETE FROM charge h
     USING contract_line n
     WHERE n.contract_id = ANY (contract_group(p_base)) AND h.contract_line_id = n.id AND h.source = 'fee' AND h.coverage = 'billable'
       AND h.period_start = lower(p_span) AND NOT h.fixed AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM due_fees(p_base, p_span) d
                        WHERE (d.line_id, d.service_date, d.amount, d.cost, d.reason) = (h.contract_line_id, h.service_date, h.amount, h.cost, h.reason));
    FOR v_fee IN
        SELECT d.* FROM due_fees(p_base, p_span) d
         WHERE NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.period_start = lower(p_span) AND h.source = 'fee'
                              AND h.coverage = 'billable' AND h.reverses_id IS NULL)
         ORDER BY d.line_id
    LOOP
        PERFORM new_charge('fee', v_fee.contract_id, v_fee.service_date, v_fee.amount, v_fee.reason, v_fee.cost, v_fee.line_id, v_fee.item_id,
                           p_quantity => 1, p_price => v_fee.amount);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_fees_of(bigint, daterange) IS 'make or correct the provisional fee charges of one service period; one for each line and period';

CREATE FUNCTION charge_fees(contract_id bigint, through date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange;
    v_last date;
BEGIN
    v_span := (open_period(v_base)).span;
    v_last := greatest(lower(v_span), books_today()) + interval '10 years';
    IF through IS NULL OR NOT isfinite(through) THEN
        RAISE EXCEPTION 'charge_fees needs the day through which to charge' USING ERRCODE = 'invalid_parameter_value', HINT = 'The last day of the period that is paid in advance.';
    ELSIF through > v_last THEN
        RAISE EXCEPTION 'fees through % are too far ahead', through
            USING ERRCODE = 'program_limit_exceeded', DETAIL = format('The limit is ten years, %s.', iso(v_last)), HINT = 'Charge them nearer to their time.';
    END IF;
    WHILE v_base.status <> 'draft' AND lower(v_span) <= through AND lower(v_span) <= coalesce(v_base.ends_on, 'infinity') LOOP
        PERFORM charge_fees_of(v_base.id, v_span);
        v_span := period_of(upper(v_span), v_base.period, v_base.anchor_day);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_fees(bigint, date) IS
    'make the fee charges of every open service period of a contract that begins on or before a day: fees charged in advance, at most ten years (54000); '
    'idempotent. Refused (22023): no day, or one without end';
SELECT allow('manager', 'execute', 'charge_fees');

CREATE FUNCTION accept_stage(contract_line_id bigint, accepted_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_line contract_line;
BEGIN
    PERFORM lock_contracts(ARRAY(SELECT n.contract_id FROM contract_line n WHERE n.id = contract_line_id));
    SELECT * INTO v_line FROM contract_line n WHERE n.id = contract_line_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_line.kind <> 'stage' THEN
        RAISE EXCEPTION 'contract line % is no stage', contract_line_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Stages are the rows of contract_line of kind stage.';
    END IF;
    IF v_line.status = 'accepted' AND v_line.accepted_on = coalesce(accepted_on, v_line.accepted_on) THEN
        RETURN (SELECT h.id FROM charge h WHERE h.contract_line_id = v_line.id AND h.source = 'stage' AND h.reverses_id IS NULL);
    END IF;
    IF v_line.status IN ('accepted', 'cancelled') THEN
        RAISE EXCEPTION 'stage "%" is % already', v_line.title, v_line.status
            USING ERRCODE = 'restrict_violation',
                DETAIL = CASE v_line.status WHEN 'accepted' THEN format('It was accepted on %s.', v_line.accepted_on) ELSE 'It is not to be done.' END,
                HINT = 'Add a line for another stage.';
    END IF;
    accepted_on := coalesce(accepted_on, books_today());
    UPDATE contract_line n SET status = 'accepted', accepted_on = accept_stage.accepted_on WHERE n.id = v_line.id;
    RETURN new_charge('stage', v_line.contract_id, accepted_on, v_line.amount, format('%s, accepted on %s', v_line.title, iso(accepted_on)),
                      v_line.cost, v_line.id, v_line.item_id, p_quantity => 1, p_price => v_line.amount);
END $$;
COMMENT ON FUNCTION accept_stage(bigint, date) IS
    'the client accepts a stage: it is charged on that day, today where none is given; returns the charge. The same again returns the same charge; refused for another day and '
    'for cancelled stages (23001), and for lines that are no stage (23503)';
SELECT allow('clerk', 'execute', 'accept_stage');

-- ---------------------------------------------------------------------------
-- items, fixed prices of tasks, expenses
-- ---------------------------------------------------------------------------

CREATE FUNCTION item_price(p_contract bigint, p_project bigint, p_item bigint, p_on date)
    RETURNS TABLE (price numeric, cost numeric, discount_pct numeric, tiers jsonb, price_list_id bigint, source text, discounting text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE start AS (
        SELECT c.discount_pct, coalesce(
                 (SELECT l.id FROM price_list l WHERE l.id = c.price_list_id),
                 (SELECT l.id FROM price_list l JOIN project p ON p.price_list_id = l.id WHERE p.id = p_project AND l.currency = c.currency),
                 (SELECT l.id FROM price_list l WHERE l.client_id = c.client_id AND l.currency = c.currency),
                 (SELECT l.id FROM price_list l WHERE l.is_default AND l.currency = c.currency)) AS list_id
          FROM contract c WHERE c.id = p_contract
    ), list AS (
        SELECT 1 AS depth, l.id, l.parent_id, l.name, l.discount_pct, CASE WHEN l.discount_pct IS NOT NULL THEN l.name END AS discounting
          FROM price_list l JOIN start s ON s.list_id = l.id
        UNION ALL
        SELECT list.depth + 1, l.id, l.parent_id, l.name, coalesce(list.discount_pct, l.discount_pct),
               coalesce(list.discounting, CASE WHEN l.discount_pct IS NOT NULL THEN l.name END)
          FROM list JOIN price_list l ON l.id = list.parent_id
    )
    SELECT r.price, r.cost, coalesce(r.discount_pct, l.discount_pct, s.discount_pct), r.tiers, s.list_id, format('%s, position %s', l.name, r.id),
           CASE WHEN r.discount_pct IS NOT NULL THEN 'the position' WHEN l.discount_pct IS NOT NULL THEN l.discounting
                WHEN s.discount_pct IS NOT NULL THEN 'the contract' END
      FROM list l
     CROSS JOIN start s
     CROSS JOIN LATERAL (
        SELECT r.* FROM price r
         WHERE r.price_list_id = l.id AND r.item_id = p_item AND r.role IS NULL AND r.employee_id IS NULL AND r.valid_from <= p_on
         ORDER BY r.valid_from DESC LIMIT 1) r
     WHERE num_nonnulls(r.price, r.tiers) > 0
     ORDER BY l.depth LIMIT 1;
END;
COMMENT ON FUNCTION item_price(bigint, bigint, bigint, date) IS
    'the position that prices an item under a contract on a day: contract''s list, else the project''s, the client''s, the default one, then their '
    'parents; no row when nothing does. A position''s discount replaces that of its list, which replaces the contract''s';

CREATE FUNCTION tiers_amount(p_tiers jsonb, p_quantity numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT tiered_amount(p_quantity,
        ARRAY(SELECT (b.value #>> '{}')::numeric FROM jsonb_array_elements(p_tiers -> 'bounds') WITH ORDINALITY b (value, no) ORDER BY b.no),
        ARRAY(SELECT (b.value #>> '{}')::numeric FROM jsonb_array_elements(p_tiers -> 'prices') WITH ORDINALITY b (value, no) ORDER BY b.no),
        CASE WHEN jsonb_typeof(p_tiers -> 'flats') = 'array' THEN
            ARRAY(SELECT (b.value #>> '{}')::numeric FROM jsonb_array_elements(p_tiers -> 'flats') WITH ORDINALITY b (value, no) ORDER BY b.no) END,
        p_tiers ->> 'mode');
END;
COMMENT ON FUNCTION tiers_amount(jsonb, numeric) IS 'the exact price of a quantity by the tiers of a price position, as tiered_amount() counts it';

CREATE FUNCTION sell_item(contract_id bigint, item_id bigint, quantity numeric, service_date date, task_id bigint, key text, price numeric, cost numeric)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_known bigint;
    v_item item;
    v_contract contract;
    v_price record;
    v_exponent int;
    v_whole numeric;
    v_amount numeric;
BEGIN
    IF coalesce(quantity, 0) <= 0 OR quantity = 'NaN' THEN
        RAISE EXCEPTION 'a quantity of % cannot be charged', coalesce(quantity::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a quantity above 0; take a charge back with adjust_charge().';
    END IF;
    IF price < 0 OR cost < 0 THEN
        RAISE EXCEPTION 'an item cannot have a price of % and a cost of %', coalesce(price::text, 'NULL'), coalesce(cost::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Neither is below 0; take a charge back with adjust_charge().';
    END IF;
    IF service_date IS NULL OR NOT isfinite(service_date) THEN
        RAISE EXCEPTION 'a charge needs the day of its service' USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a date.';
    END IF;
    SELECT * INTO v_item FROM item i WHERE i.id = item_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no item %', item_id USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the items.';
    END IF;
    PERFORM lock_contract(contract_id);
    SELECT * INTO v_contract FROM contract c WHERE c.id = contract_id;
    PERFORM FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = task_id AND p.client_id = v_contract.client_id;
    IF NOT FOUND AND task_id IS NOT NULL THEN
        RAISE EXCEPTION 'task % is not one of the client of contract "%"', task_id, v_contract.number
            USING ERRCODE = 'foreign_key_violation', HINT = 'Charge it under the contract of its own client.';
    END IF;
    v_known := known_charge(key, contract_id, 'item', service_date, item_id, quantity, NULL);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT * INTO v_price FROM item_price(contract_id, coalesce((SELECT t.project_id FROM task t WHERE t.id = task_id), v_contract.project_id),
                                          item_id, service_date);
    IF NOT FOUND AND price IS NULL THEN
        RAISE EXCEPTION 'no price for item "%" on % under contract "%"', v_item.code, service_date, v_contract.number
            USING ERRCODE = 'foreign_key_violation', HINT = 'Add a position with a price to a price list that the contract uses.';
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    IF price IS NOT NULL THEN
        v_price.price := price;
        v_price.tiers := NULL;
        v_price.discount_pct := NULL;
        v_price.source := 'agreed price';
        v_price.price_list_id := NULL;
    END IF;
    v_whole := CASE WHEN v_price.tiers IS NULL THEN quantity * v_price.price ELSE tiers_amount(v_price.tiers, quantity) END;
    v_amount := round_money(v_whole * (100 - coalesce(v_price.discount_pct, 0)) / 100, v_exponent);
    RETURN new_charge('item', contract_id, service_date, v_amount,
                      nullif(concat_ws('; ', CASE WHEN v_price.tiers IS NOT NULL THEN format('by tiers, %s', v_price.tiers ->> 'mode') END,
                                       CASE WHEN v_price.discount_pct <> 0
                                            THEN format('discount of %s %% by %s', trim_scale(v_price.discount_pct), v_price.discounting) END), ''),
                      round_money(quantity * coalesce(cost, v_price.cost), v_exponent), NULL, item_id, task_id,
                      NULL, quantity, CASE WHEN v_price.tiers IS NULL THEN v_price.price END, v_price.discount_pct, v_price.source,
                      v_price.price_list_id, key);
END $$;
COMMENT ON FUNCTION sell_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric) IS 'charge an item as charge_item() does, for whoever may agree a price';

CREATE FUNCTION charge_item(contract_id bigint, item_id bigint, quantity numeric, service_date date, task_id bigint DEFAULT NULL,
    key text DEFAULT NULL, price numeric DEFAULT NULL, cost numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF num_nonnulls(price, cost) > 0 THEN
        PERFORM require_level('manager', 'agree the price of an item', calling_role());
        PERFORM refuse_limited('an agreed price of an item', calling_role());
    END IF;
    RETURN sell_item(contract_id, item_id, quantity, service_date, task_id, key, price, cost);
END $$;
COMMENT ON FUNCTION charge_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric) IS
    'charge a quantity of an item under a contract at its price lists'' price and cost of that day, or at an agreed price (and cost) of a unit; '
    'returns the charge. The same key and content again returns the same charge; refused: other content under a key (23505), no price (23503), '
    'a quantity that is not above 0, a price or cost below 0 (22023), a price or cost agreed by who is no manager (42501)';
SELECT allow('clerk', 'execute', 'charge_item');

CREATE FUNCTION charge_expense(contract_id bigint, cost numeric, service_date date, reason text, currency text DEFAULT NULL,
    item_id bigint DEFAULT NULL, task_id bigint DEFAULT NULL, employee_id bigint DEFAULT NULL, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_known bigint;
    v_contract contract;
    v_exponent int;
    v_cost numeric;
BEGIN
    IF coalesce(cost, 0) <= 0 OR cost = 'NaN' OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'an expense needs an amount above 0 and a reason'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Amount %s, reason "%s".', coalesce(cost::text, 'NULL'), reason),
                HINT = 'Say what it was spent on.';
    END IF;
    PERFORM lock_contract(contract_id);
    SELECT * INTO v_contract FROM contract c WHERE c.id = contract_id;
    v_known := known_charge(key, contract_id, 'expense', service_date, item_id, NULL, NULL);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    v_cost := convert(cost, coalesce(currency, v_contract.currency), v_contract.currency, service_date);
    RETURN new_charge('expense', contract_id, service_date, round_money(v_cost * (100 + v_contract.expense_markup_pct) / 100, v_exponent),
                      concat_ws('; ', reason,
                                CASE WHEN coalesce(currency, v_contract.currency) <> v_contract.currency
                                     THEN format('%s %s at the rate of %s', trim_scale(cost), currency, iso(service_date)) END,
                                CASE WHEN v_contract.expense_markup_pct = 0 THEN 'passed on at cost'
                                     ELSE format('cost with %s %% on it', trim_scale(v_contract.expense_markup_pct)) END),
                      v_cost, NULL, item_id, task_id, employee_id, p_key => key);
END $$;
COMMENT ON FUNCTION charge_expense(bigint, numeric, date, text, text, bigint, bigint, bigint, text) IS
    'pass an expense or travel cost on to the client, at cost or with the contract''s expense_markup_pct; cost in currency (default the contract''s), '
    'converted at the rate of the day; returns the charge; idempotent under a key';
SELECT allow('clerk', 'execute', 'charge_expense');

CREATE FUNCTION task_contract(p_task bigint, p_at timestamptz, OUT contract_id bigint, OUT service_date date, OUT problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN k.n = 1 THEN k.id END, coalesce(k.day, (p_at AT TIME ZONE k.zone)::date),
           CASE WHEN k.n > 1 THEN 'several contracts match' WHEN k.n IS NULL OR k.n = 0 THEN 'no contract is in force' END
      FROM (SELECT count(*) AS n, min(b.id) AS id, min(b.day) AS day, (SELECT s.zone FROM setting s) AS zone
              FROM (SELECT c.*, rank() OVER (ORDER BY c.level) AS best
                      FROM (SELECT c.id, (p_at AT TIME ZONE contract_zone(c.calendar_id))::date AS day, c.starts_on, c.ends_on,
                                   CASE WHEN t.contract_id IS NOT NULL THEN 1 WHEN c.project_id IS NOT NULL THEN 2 ELSE 3 END AS level
                              FROM task t JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id AND c.status <> 'draft'
                             WHERE t.id = p_task
                               AND CASE WHEN t.contract_id IS NOT NULL THEN c.id = t.contract_id
                                        ELSE c.parent_id IS NULL AND (c.project_id IS NULL OR c.project_id = p.id) END) c
                     WHERE c.day BETWEEN c.starts_on AND coalesce(c.ends_on, 'infinity')) b
             WHERE b.best = 1) k;
END;
COMMENT ON FUNCTION task_contract(bigint, timestamptz) IS 'the contract that takes what a task costs at an instant, the local date, or the problem in words';

CREATE FUNCTION charge_task(p_task bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_task task;
    v_to record;
    v_item record;
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = p_task;
    IF v_task.status <> 'done' THEN
        DELETE FROM charge h WHERE h.task_id = p_task AND h.source = 'item' AND h.key LIKE 'task:%' AND NOT h.fixed;
        RETURN;
    END IF;
    v_to := task_contract(p_task, coalesce(v_task.completed_at, now()));
    IF v_to.problem IS NOT NULL THEN
        RETURN;
    END IF;
    FOR v_item IN
        SELECT i.* FROM task_item i
         WHERE i.task_id = p_task AND NOT EXISTS (SELECT FROM charge h WHERE h.key = format('task:%s:%s', i.task_id, i.id))
           AND (i.price IS NOT NULL OR EXISTS (SELECT FROM item_price(v_to.contract_id, v_task.project_id, i.item_id, v_to.service_date)))
         ORDER BY i.id
    LOOP
        PERFORM sell_item(v_to.contract_id, v_item.item_id, v_item.quantity, v_to.service_date, p_task,
                            format('task:%s:%s', v_item.task_id, v_item.id), v_item.price, v_item.cost);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_task(bigint) IS
    'charge the fixed prices of a task that is done, once each; take them back while provisional when it is done no more; what cannot be charged is in '
    'view uncharged_task';

CREATE FUNCTION charge_done_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    -- with those of tasks that move, whose work is rated next: all at once, by id
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM new_rows n JOIN old_rows o USING (id) JOIN project p ON p.id IN (n.project_id, o.project_id)
         WHERE n.project_id <> o.project_id OR EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id)));
    PERFORM charge_task(n.id) FROM new_rows n
      WHERE EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id) ORDER BY n.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION charge_done_tasks() IS
    'trigger function of task: charges the fixed price of what is done; SECURITY DEFINER because nobody is granted INSERT on charge';
CREATE TRIGGER task_charged AFTER UPDATE ON task REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION charge_done_tasks();

-- The time of a task is in its fixed price from then on: what is not frozen is
-- rated again.
CREATE FUNCTION price_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
DECLARE
    v_tasks bigint[];
    v_gone bigint[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_tasks := ARRAY(SELECT DISTINCT n.task_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_tasks := ARRAY(SELECT DISTINCT o.task_id FROM old_rows o);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    ELSE
        v_tasks := ARRAY(SELECT o.task_id FROM old_rows o UNION SELECT n.task_id FROM new_rows n);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    END IF;
    PERFORM lock_parties(ARRAY(SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = ANY (v_tasks)));
    DELETE FROM charge h WHERE h.task_id = ANY (v_tasks) AND h.source = 'item' AND NOT h.fixed
       AND h.key = ANY (ARRAY(SELECT format('task:%s:%s', t, g) FROM unnest(v_tasks) t, unnest(v_gone) g));
    PERFORM rate_entries(ARRAY(
        SELECT e.id FROM time_entry e WHERE e.task_id = ANY (v_tasks)
           AND NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id AND h.fixed) ORDER BY e.id));
    PERFORM charge_task(t.id) FROM unnest(v_tasks) t (id) ORDER BY t.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION price_tasks() IS
    'trigger function of task_item: rates the time of the tasks again, which a fixed price includes, and charges those that are done already';
CREATE TRIGGER task_item_priced_new AFTER INSERT ON task_item REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION price_tasks();
CREATE TRIGGER task_item_priced_changed AFTER UPDATE ON task_item REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION price_tasks();
CREATE TRIGGER task_item_unpriced AFTER DELETE ON task_item REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION price_tasks();

CREATE VIEW uncharged_task WITH (security_invoker) AS
    SELECT i.task_id, t.title AS task, p.client_id, k.name AS client, i.item_id, m.code AS item, i.quantity::numeric(18,2) AS quantity, t.completed_at,
           coalesce(c.problem, format('no price for item "%s" on %s', m.code, iso(c.service_date))) AS reason
      FROM task_item i
      JOIN task t ON t.id = i.task_id AND t.status = 'done'
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      JOIN item m ON m.id = i.item_id
     CROSS JOIN LATERAL task_contract(t.id, coalesce(t.completed_at, now())) c
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.key = format('task:%s:%s', i.task_id, i.id));
COMMENT ON VIEW uncharged_task IS 'fixed prices of tasks that are done and could not be charged, each with the reason; closing a period tries again';
SELECT allow('reader', 'select', 'uncharged_task');

-- ---------------------------------------------------------------------------
-- prepaid blocks and top-ups
-- ---------------------------------------------------------------------------

CREATE FUNCTION known_block(p_key text, p_content allotment) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_known allotment;
BEGIN
    SELECT * INTO v_known FROM allotment a WHERE a.key = p_key;
    IF FOUND AND (v_known.contract_id, v_known.kind, v_known.unit, v_known.amount, v_known.effective_at, v_known.expires_at)
        IS DISTINCT FROM (p_content.contract_id, p_content.kind, p_content.unit, p_content.amount, p_content.effective_at, p_content.expires_at) THEN
        RAISE EXCEPTION 'key "%" was used before for allotment % with other content', p_key, v_known.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'allotment_key_key',
                HINT = 'Send the same content again, or use another key for another block.';
    END IF;
    RETURN v_known.id;
END $$;
COMMENT ON FUNCTION known_block(text, allotment) IS
    'the block added before under a key, NULL when there is none; refused (23505) when its content was another';

CREATE FUNCTION add_block(contract_id bigint, effective_on date, hours numeric DEFAULT NULL, amount numeric DEFAULT NULL, price numeric DEFAULT NULL,
    expires_on date DEFAULT NULL, priority integer DEFAULT 0, kind text DEFAULT 'block', work_types bigint[] DEFAULT NULL,
    payment_id bigint DEFAULT NULL, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract;
    v_zone text;
    v_block allotment;
    v_id bigint;
BEGIN
    IF num_nonnulls(hours, amount) <> 1 OR coalesce(hours, amount) <= 0 OR hours * 3600 <> trunc(hours * 3600) OR kind NOT IN ('block', 'topup') THEN
        RAISE EXCEPTION 'a block is so many hours or so much money, above 0'
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('Hours %s, amount %s, kind %s.', coalesce(hours::text, 'NULL'), coalesce(amount::text, 'NULL'), kind),
                HINT = 'Pass hours (whole seconds) or amount; kind is block or topup.';
    END IF;
    IF price IS NULL AND amount IS NULL THEN
        RAISE EXCEPTION 'what does a block of % hours cost', hours
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass its price, 0 when it is a present.';
    END IF;
    IF price < 0 THEN
        RAISE EXCEPTION 'a block cannot cost %', price
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass its price, 0 when it is a present.';
    END IF;
    IF expires_on < effective_on THEN
        RAISE EXCEPTION 'a block cannot expire on %, before it starts on %', expires_on, effective_on
            USING ERRCODE = 'invalid_parameter_value', HINT = 'expires_on is its last day.';
    END IF;
    v_base := lock_contract(contract_id);
    v_zone := contract_zone(v_base.calendar_id);
    v_block.contract_id := contract_id;
    v_block.kind := kind;
    v_block.unit := CASE WHEN hours IS NULL THEN 'money' ELSE 'seconds' END;
    v_block.amount := coalesce(hours * 3600, amount);
    v_block.effective_at := effective_on::timestamp AT TIME ZONE v_zone;
    v_block.expires_at := (expires_on + 1)::timestamp AT TIME ZONE v_zone;
    v_id := known_block(key, v_block);
    IF v_id IS NOT NULL THEN
        RETURN v_id;
    END IF;
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types, payment_id, key)
    VALUES (contract_id, kind, v_block.unit, v_block.amount, priority, v_block.effective_at, v_block.expires_at, work_types, payment_id, key)
    ON CONFLICT ON CONSTRAINT allotment_key_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN known_block(key, v_block);  -- another client's block took the key meanwhile: that is refused
    END IF;
    PERFORM new_charge('fee', contract_id, effective_on, coalesce(price, amount),
                       concat(CASE WHEN hours IS NULL THEN 'prepaid money' ELSE format('%s prepaid hours', trim_scale(hours)) END,
                              format(', from %s', iso(effective_on)), ' to ' || iso(expires_on)),
                       p_quantity => 1, p_price => coalesce(price, amount), p_key => format('allotment:%s', v_id));
    PERFORM rate_again(v_base, effective_on);
    RETURN v_id;
END $$;
COMMENT ON FUNCTION add_block(bigint, date, numeric, numeric, numeric, date, integer, text, bigint[], bigint, text) IS
    'sell a prepaid block or top-up: so many hours, or so much money, from effective_on to the end of expires_on (NULL: for ever); its price (for money: '
    'its amount unless another is given) is charged on effective_on, the work it covers then costs nothing more; what is rated already draws on it from '
    'that day on. Blocks are eaten by priority, the lowest number first, then earliest expiry, then age. Returns the allotment; idempotent under a key; refused (22023) for what is no block';
SELECT allow('manager', 'execute', 'add_block');

CREATE FUNCTION void_block(allotment_id bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_block allotment;
    v_base contract;
    v_charge charge;
BEGIN
    SELECT * INTO v_block FROM allotment a WHERE a.id = allotment_id AND a.kind IN ('block', 'topup');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'allotment % is no block', allotment_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Blocks are the rows of allotment of kind block or topup.';
    END IF;
    v_base := lock_contract(v_block.contract_id);
    SELECT * INTO v_block FROM allotment a WHERE a.id = allotment_id FOR UPDATE;
    IF v_block.voided_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF (SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = v_block.id AND h.fixed) <> 0 THEN
        RAISE EXCEPTION 'block % has covered work that is billed', allotment_id
            USING ERRCODE = 'restrict_violation', HINT = 'Correct that work first with correct_entry().';
    END IF;
    UPDATE allotment a SET voided_at = now() WHERE a.id = v_block.id;
    SELECT * INTO v_charge FROM charge h WHERE h.key = format('allotment:%s', v_block.id);
    IF v_charge.fixed THEN
        PERFORM adjust_charge(v_charge.id, -v_charge.amount, reason) WHERE v_charge.amount <> 0;
    ELSE
        DELETE FROM charge h WHERE h.id = v_charge.id;
    END IF;
    PERFORM rate_again(v_base, (v_block.effective_at AT TIME ZONE contract_zone(v_base.calendar_id))::date);
END $$;
COMMENT ON FUNCTION void_block(bigint, text) IS
    'take a prepaid block back: its price is no more charged (a frozen one is written off) and the work it covered is rated again; refused (23001) when '
    'it covered work that is billed';
SELECT allow('manager', 'execute', 'void_block');

-- What an allotment that comes or goes changes: all that is open from a day on.
CREATE FUNCTION rate_again(p_base contract, p_from date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_from timestamptz := least(p_from, lower(period_of(p_from, p_base.period, p_base.anchor_day)))::timestamp
                          AT TIME ZONE contract_zone(p_base.calendar_id);
BEGIN
    IF p_base.round_scope = 'task' OR EXISTS (SELECT FROM charge h WHERE h.contract_id = p_base.id AND h.late AND NOT h.fixed) THEN
        v_from := '-infinity';
    END IF;
    PERFORM rate_sequence(p_base.id, '{}', '{}', v_from, v_from, true);
END $$;
COMMENT ON FUNCTION rate_again(contract, date) IS 'rate the open work of a contract group again from a day on, as stamped, with the allotments there are now';

-- ---------------------------------------------------------------------------
-- approval, write-offs and write-ups
-- ---------------------------------------------------------------------------

CREATE FUNCTION approve_entries(entries bigint[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_unknown bigint;
    v_count bigint;
BEGIN
    SELECT x.id INTO v_unknown FROM unnest(entries) x (id)
     WHERE NOT EXISTS (SELECT FROM time_entry e WHERE e.id = x.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no time entry %', coalesce(v_unknown::text, 'NULL')
            USING ERRCODE = 'foreign_key_violation', HINT = 'Nothing was approved.';
    END IF;
    UPDATE time_entry e SET approved_at = now(), approved_by = actor()
     WHERE e.id = ANY (entries) AND e.approved_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION approve_entries(bigint[]) IS
    'approve time entries, which rates those that waited for it; returns how many were not approved before; refused (23503) whole for an unknown one';
SELECT allow('manager', 'execute', 'approve_entries');

CREATE FUNCTION adjust_charge(charge_id bigint, amount numeric, reason text, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_charge charge;
    v_left numeric;
    v_known bigint;
BEGIN
    SELECT * INTO v_charge FROM charge h WHERE h.id = charge_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no charge %', charge_id USING ERRCODE = 'foreign_key_violation', HINT = 'View unbilled lists charges.';
    END IF;
    IF v_charge.contract_id IS NULL THEN
        RAISE EXCEPTION 'charge % is not under a contract', charge_id
            USING ERRCODE = 'restrict_violation', HINT = 'Change the price of its time entry instead.';
    END IF;
    PERFORM lock_parties(ARRAY[v_charge.client_id]);
    v_known := known_charge(key, v_charge.contract_id, 'adjustment', v_charge.service_date, v_charge.item_id, NULL, amount);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT * INTO v_charge FROM charge h WHERE h.id = charge_id FOR UPDATE;
    PERFORM lock_parties(ARRAY[v_charge.client_id]);  -- its task may have moved meanwhile
    IF v_charge.id IS NULL OR v_charge.reverses_id IS NOT NULL OR v_charge.adjusts_id IS NOT NULL
        OR EXISTS (SELECT FROM charge r WHERE r.reverses_id = charge_id) THEN
        RAISE EXCEPTION 'charge % is a reversal, an adjustment or reversed already', charge_id
            USING ERRCODE = 'restrict_violation', HINT = 'Adjust the charge that counts.';
    END IF;
    IF v_charge.held_by IS NOT NULL THEN
        RAISE EXCEPTION 'charge % cannot be adjusted now', charge_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(charge_id), HINT = 'Wait for the answer, or take the document back.';
    END IF;
    IF coalesce(reason, '') = '' OR coalesce(amount, 0) = 0 OR amount = 'NaN' THEN
        RAISE EXCEPTION 'an adjustment needs an amount that is not 0, and a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a negative amount to write off, a positive one to write up.';
    END IF;
    v_left := v_charge.amount + coalesce((SELECT sum(a.amount) FROM charge a WHERE a.adjusts_id = charge_id
                                              AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = a.id)), 0);
    IF amount < 0 AND v_left + amount < 0 THEN
        RAISE EXCEPTION 'cannot write % off charge %, of which % is left', trim_scale(-amount), charge_id, trim_scale(v_left)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_adjusted_within_amount', HINT = 'Write off what is left at most.';
    END IF;
    PERFORM concede('write_off', round_money(-amount * v_charge.base_rate, currency_exponent((SELECT s.base_currency FROM setting s))), charge_id, NULL, reason);
    -- A decision about a figure holds for that figure: it is frozen with it.
    PERFORM freeze_charges(ARRAY[charge_id], format('adjusted:%s', charge_id));
    RETURN new_charge('adjustment', v_charge.contract_id, v_charge.service_date, amount,
                      format('%s of charge %s: %s', CASE WHEN amount < 0 THEN 'write-off' ELSE 'write-up' END, charge_id, reason),
                      0, NULL, v_charge.item_id, v_charge.task_id, v_charge.employee_id, p_key => key, p_adjusts => charge_id);
END $$;
COMMENT ON FUNCTION adjust_charge(bigint, numeric, text, text) IS
    'write a part of a charge off (amount below 0) or up, with a reason: an adjustment charge beside it, which is returned; the charge itself is frozen. '
    'Refused: more than is left of it (23514), without a reason (22023), reversed or held charges (23001); idempotent under a key';
SELECT allow('manager', 'execute', 'adjust_charge');
