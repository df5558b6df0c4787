-- ---------------------------------------------------------------------------
-- put: making charges
--
-- put_charges() and replace_charges() are the only writers of rows of charge, and
-- are made from its columns.  Whoever has a charge to make fills in what it knows
-- of one, by name; complete_charge(), opposite() and part_of() do the rest.
-- ---------------------------------------------------------------------------

SELECT make_writer('charge', 'put_charges', 'ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING');

-- Work that is rated again keeps the ids of its charges, and what stays the same
-- is not touched.  By index look-ups for any number of rows, whatever the planner
-- knows of tables that were just loaded; foreign keys are checked by the same mode.
DO $$
DECLARE
    c_kept CONSTANT text[] := '{id,time_entry_id,segment}';
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION replace_charges(p_rows charge[], p_known boolean) RETURNS void
            LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $body$
        BEGIN
            INSERT INTO charge (%1$s)
            SELECT %2$s FROM unnest(p_rows) n
             WHERE NOT p_known OR NOT EXISTS (
                SELECT FROM charge h
                 WHERE h.time_entry_id = n.time_entry_id AND h.segment = n.segment AND NOT h.committed
                   AND (%3$s) IS NOT DISTINCT FROM (%4$s))
             ORDER BY n.time_entry_id, n.segment
            ON CONFLICT (time_entry_id, segment) WHERE time_entry_id IS NOT NULL AND NOT committed DO UPDATE SET %5$s;
        END $body$ $function$,
        column_list('charge', '%1$s'), value_list('charge', 'n'),
        column_list('charge', 'h.%1$s', c_kept), value_list('charge', 'n', c_kept),
        column_list('charge', '%1$s = excluded.%1$s', c_kept));
END $$;
COMMENT ON FUNCTION replace_charges(charge[], boolean) IS
    'write open charges of work in place of those that the same segments had (p_known: some of them have), keeping '
    'ids; what is the same stays as it is';

CREATE FUNCTION check_charge_amount(p_amount numeric, p_currency text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_amount <> round_money(p_amount, currency_exponent(p_currency)) THEN
        RAISE EXCEPTION 'a charge of % %, which % cannot hold', trim_scale(p_amount), p_currency, p_currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_amount_exact', HINT = 'Round the amount first.';
    END IF;
END $$;
COMMENT ON FUNCTION check_charge_amount(numeric, text) IS 'refuse (23514) an amount that its currency cannot hold';

-- A charge that is no work, its amount as its price says it.  Its currency, client
-- and own company are the contract's; in a closed period it is billed in the open one, marked late.
CREATE FUNCTION complete_charge(p_charge charge) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
    v_contract contract;
    v_base contract := base_contract(p_charge.contract_id);
    v_setting setting;
    v_about dimension;
    v_span daterange;
    v_opens date;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = v.contract_id;
    SELECT * INTO v_setting FROM setting;
    IF v.service_date IS NULL OR NOT isfinite(v.service_date) THEN
        RAISE EXCEPTION 'a charge needs the day of its service'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a date.';
    END IF;
    IF v_contract.status = 'draft' OR v.service_date < v_contract.starts_on THEN
        RAISE EXCEPTION 'contract "%" is not in force on %', v_contract.number, v.service_date
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('It is %s and starts on %s.', v_contract.status, v_contract.starts_on),
                HINT = 'Check the date, or activate the contract.';
    END IF;
    v.currency := v_contract.currency;
    v.amount := priced(v);
    PERFORM check_charge_amount(v.amount, v.currency);
    v.gross := CASE WHEN v_contract.tax_inclusive THEN v.amount END;
    v.amount := without_tax(v_contract, v.service_date, v.amount);
    v.base_rate := exchange_rate_on(v.currency, v_setting.base_currency, v.service_date);
    IF v.base_rate IS NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', v.currency, v_setting.base_currency, v.service_date
            USING ERRCODE = 'foreign_key_violation',
                HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    v.base_amount := round_money(v.amount * v.base_rate, currency_exponent(v_setting.base_currency));
    v.base_cost := round_money(v.cost * v.base_rate, currency_exponent(v_setting.base_currency));

    v_about := complete_dimension(
        ROW(v_contract.own_id, v_contract.client_id, v_contract.id, v.project_id,
            coalesce(v.deal_id, (SELECT s.deal_id FROM contract_line n JOIN deal_stage s ON s.id = n.deal_stage_id
                                  WHERE n.id = v.contract_line_id)),
            v.task_id, v.employee_id, v.work_type_id, v.direction_id)::dimension, v.service_date, 'the charge');
    v.own_id := v_about.own_id;
    v.client_id := v_about.client_id;
    v.project_id := v_about.project_id;
    v.deal_id := v_about.deal_id;
    v.work_type_id := v_about.work_type_id;
    v.direction_id := v_about.direction_id;

    v_opens := lower((open_period(v_base)).span);
    v_span := service_period(v_base, v.service_date);
    v.period_start := greatest(lower(v_span), v_opens);
    v.late := lower(v_span) < v_opens;
    v.line_period := CASE WHEN v.contract_line_id IS NOT NULL THEN lower(v_span) END;
    v.started_at := v.service_date::timestamp AT TIME ZONE contract_zone(v_base.calendar_id);
    v.coverage := 'billable';
    v.rate := v.price;
    RETURN v;
END $$;
COMMENT ON FUNCTION complete_charge(charge) IS
    'a provisional charge that is no work, of which source, contract_id, service_date, amount, cost and what else is '
    'known is given, with all that follows; refused before the contract''s start (23001), for amounts its currency '
    'cannot hold (23514), without an exchange rate (23503), for a task or deal of another client (23514)';

CREATE FUNCTION new_charge(p_charge charge) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_ids bigint[] := put_charges(ARRAY[complete_charge(p_charge)]);
BEGIN
    -- Another client's charge took the key meanwhile: that is refused.
    RETURN coalesce(v_ids[1], known_charge(p_charge));
END $$;
COMMENT ON FUNCTION new_charge(charge) IS
    'make a provisional charge that is no work and return its id; refused as complete_charge() and known_charge() do';

-- A charge made before under the same key: the same content again is that
-- charge, another content is refused.  An amount that is not given yet is not
-- compared.
CREATE FUNCTION known_charge(p_charge charge) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_known charge;
BEGIN
    SELECT * INTO v_known FROM charge h WHERE h.key = p_charge.key;
    IF FOUND AND (v_known.contract_id, v_known.source, v_known.service_date, v_known.item_id, v_known.quantity,
                  priced(v_known))
        IS DISTINCT FROM (p_charge.contract_id, p_charge.source, p_charge.service_date, p_charge.item_id,
                          p_charge.quantity,
                          coalesce(priced(p_charge), priced(v_known))) THEN
        RAISE EXCEPTION 'key "%" was used before for charge % with other content', p_charge.key, v_known.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'charge_key_key',
                HINT = 'Send the same content again, or use another key for another charge.';
    END IF;
    RETURN v_known.id;
END $$;
COMMENT ON FUNCTION known_charge(charge) IS
    'the charge made before under a key, NULL when there is none; refused (23505) when its content was another';

CREATE FUNCTION opposite(p_charge charge, p_why jsonb) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
BEGIN
    v.id := NULL;
    v.worked_s := -v.worked_s;
    v.billed_s := -v.billed_s;
    v.quantity := -v.quantity;
    v.gross := -v.gross;
    v.amount := -v.amount;
    v.base_amount := -v.base_amount;
    v.cost := -v.cost;
    v.base_cost := -v.base_cost;
    v.burned := -v.burned;
    v.why := p_why;
    v.key := NULL;
    v.adjusts_id := NULL;
    v.held_by := NULL;
    v.frozen_at := now();
    v.reverses_id := p_charge.id;
    RETURN v;
END $$;
COMMENT ON FUNCTION opposite(charge, jsonb) IS
    'the reversal of a frozen charge: the same with the opposite figures, frozen at once';

-- What it is about is copied, by name; all else of a charge is none of its own.
CREATE FUNCTION part_of(p_charge charge, p_priced numeric, p_amount numeric, p_base_amount numeric, p_why jsonb,
                        p_adjusts boolean) RETURNS charge
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge;
BEGIN
    v.source := 'adjustment';
    v.made_by := 'document';
    v.coverage := 'billable';
    -- cents have no price
    v.gross := CASE WHEN p_charge.gross IS NOT NULL OR p_priced = 0 AND p_amount <> 0 THEN p_priced END;
    v.amount := p_amount;
    v.base_amount := p_base_amount;
    v.cost := 0;
    v.base_cost := 0;
    v.why := p_why;
    v.adjusts_id := CASE WHEN p_adjusts THEN p_charge.id END;
    v.own_id := p_charge.own_id;
    v.client_id := p_charge.client_id;
    v.contract_id := p_charge.contract_id;
    v.contract_line_id := p_charge.contract_line_id;
    v.project_id := p_charge.project_id;
    v.deal_id := p_charge.deal_id;
    v.task_id := p_charge.task_id;
    v.employee_id := p_charge.employee_id;
    v.work_type_id := p_charge.work_type_id;
    v.direction_id := p_charge.direction_id;
    v.item_id := p_charge.item_id;
    v.service_date := p_charge.service_date;
    v.period_start := p_charge.period_start;
    v.started_at := p_charge.started_at;
    v.band := p_charge.band;
    v.currency := p_charge.currency;
    v.base_rate := p_charge.base_rate;
    RETURN v;
END $$;
COMMENT ON FUNCTION part_of(charge, numeric, numeric, numeric, jsonb, boolean) IS
    'an adjustment beside a charge, about the same things: so much of its price and of its amount (and in the base '
    'currency), why, and whether it goes with the charge when that is reversed';

-- By what is left before and after it, so that parts of a charge add up to it.
CREATE FUNCTION net_part(p_charge charge, p_priced numeric) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
    v_gross numeric;
    v_amount numeric;
BEGIN
    IF p_charge.gross IS NULL THEN
        RETURN p_priced;
    END IF;
    SELECT p_charge.gross + coalesce(sum(a.gross), 0) + p_priced, p_charge.amount + coalesce(sum(a.amount), 0)
      INTO v_gross, v_amount FROM live_charge a WHERE a.adjusts_id = p_charge.id;
    IF p_charge.gross <> 0 THEN
        RETURN round_money(v_gross * p_charge.amount / p_charge.gross, currency_exponent(p_charge.currency)) - v_amount;
    END IF;
    SELECT * INTO v_contract FROM contract c WHERE c.id = p_charge.contract_id;
    RETURN without_tax(v_contract, p_charge.service_date, v_gross) - v_amount;
END $$;
COMMENT ON FUNCTION net_part(charge, numeric) IS
    'what is ours of a part of what the prices make of a charge: by the tax that was taken out of it';

CREATE FUNCTION in_open_period(p_charge charge) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
    v_opens date := (SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = p_charge.contract_id);
BEGIN
    v.late := v.late OR coalesce(v_opens > v.period_start, false);
    v.period_start := greatest(v.period_start, v_opens);
    RETURN v;
END $$;
COMMENT ON FUNCTION in_open_period(charge) IS 'a charge as the open period takes it, late where its own is closed';
