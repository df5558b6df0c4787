-- ---------------------------------------------------------------------------
-- put: making charges
-- ---------------------------------------------------------------------------

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
