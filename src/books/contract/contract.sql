-- ---------------------------------------------------------------------------
-- contract: groups of a base and its companions, and what contracts keep to
-- ---------------------------------------------------------------------------

CREATE VIEW seen_contract WITH (security_invoker) AS SELECT id FROM contract;
COMMENT ON VIEW seen_contract IS 'the contracts that the row policies of whoever asks let through';

CREATE VIEW visible_contract WITH (security_barrier) AS
    SELECT c.* FROM contract c WHERE (SELECT NOT row_security_active('contract'::regclass))
        OR c.id IN (SELECT s.id FROM seen_contract s);
COMMENT ON VIEW visible_contract IS
    'contracts for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE FUNCTION lock_contract_parties() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION lock_contract_parties() IS
    'trigger function of contract: holds the client before what facts rest on (client, currency, period, companions) '
    'is set; SECURITY DEFINER because nobody is granted the locks';

CREATE FUNCTION check_contract() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.currency, NEW.client_id) IS DISTINCT FROM (OLD.currency, OLD.client_id)
        AND (EXISTS (SELECT FROM charge h WHERE h.contract_id = NEW.id)
             OR EXISTS (SELECT FROM payment p WHERE p.contract_id = NEW.id)) THEN
        RAISE EXCEPTION 'contract "%" has charges or payments: its client and currency stay', OLD.number
            USING ERRCODE = 'restrict_violation', HINT = 'End this contract and make another one.';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.period, anchor_of(NEW)) IS DISTINCT FROM (OLD.period, anchor_of(OLD))
        AND (EXISTS (SELECT FROM billing_period b WHERE b.contract_id = NEW.id)
             OR EXISTS (SELECT FROM contract g JOIN charge h ON h.contract_id = g.id AND h.committed
                         WHERE NEW.id IN (g.id, g.parent_id))) THEN
        RAISE EXCEPTION 'contract "%" has closed periods or billed charges: its service periods stay', OLD.number
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('They are of a %s from %s on; other ones would overlap those that are billed, or leave '
                                'days out.', OLD.period, iso(lower(service_period(OLD, OLD.starts_on)))),
                HINT = 'Give the anchor_day and anchor_month that they have, or end this contract with its last '
                       'period and make another one.';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.status, NEW.starts_on, NEW.ends_on) IS DISTINCT FROM
                            (OLD.status, OLD.starts_on, OLD.ends_on) THEN
        PERFORM refuse_outside_life(NEW);
        PERFORM refuse_left_hours(NEW);
    END IF;
    IF NEW.parent_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM contract b WHERE b.id = NEW.parent_id AND b.parent_id IS NULL
           AND b.client_id = NEW.client_id AND b.currency = NEW.currency) THEN
        RAISE EXCEPTION 'contract "%" cannot be the companion of contract %', NEW.number, NEW.parent_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_companion_fits',
                HINT = 'A companion has the client and the currency of its base contract, which is no companion '
                       'itself.';
    END IF;
    IF NEW.renews_id IS NOT NULL
        AND (NOT EXISTS (SELECT FROM contract r WHERE r.id = NEW.renews_id AND r.client_id = NEW.client_id
                         AND r.currency = NEW.currency
                         AND coalesce(r.parent_id, r.id) <> coalesce(NEW.parent_id, NEW.id))
             OR NEW.id IN (WITH RECURSIVE before AS (
                    SELECT r.id, r.renews_id FROM contract r WHERE r.id = NEW.renews_id
                    UNION SELECT r.id, r.renews_id FROM contract r JOIN before b ON r.id = b.renews_id)
                SELECT b.id FROM before b)) THEN
        RAISE EXCEPTION 'contract "%" cannot renew contract %', NEW.number, NEW.renews_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_renewal_fits',
                HINT = 'A contract renews an earlier one of the same client and currency that is not its base or '
                       'companion.';
    END IF;
    IF EXISTS (SELECT FROM price_list l WHERE l.id = NEW.price_list_id AND l.currency <> NEW.currency) THEN
        RAISE EXCEPTION 'contract "%" is in %, its price list in another currency', NEW.number, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_price_list_currency',
                HINT = 'Choose a price list in the currency of the contract.';
    END IF;
    IF EXISTS (SELECT FROM project p WHERE p.id = NEW.project_id AND p.client_id <> NEW.client_id) THEN
        RAISE EXCEPTION 'contract "%" is not with the client of its project', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_project_client';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_contract() IS
    'trigger function of contract: companions, price list and project fit; client and currency are fixed once there '
    'are facts, the service period once one is closed. SECURITY DEFINER because row policies must not hide facts';

CREATE VIEW capped_contract WITH (security_invoker) AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id,
           num_nonnulls(c.cap_amount, c.cap_s) > 0 AS in_all,
           num_nonnulls(c.period_cap_amount, c.period_cap_s) > 0 AS by_period
      FROM contract c
     WHERE num_nonnulls(c.cap_amount, c.cap_s, c.period_cap_amount, c.period_cap_s) > 0;
COMMENT ON VIEW capped_contract IS
    'contracts with caps, for their whole life (in_all) or for each service period (by_period)';
SELECT allow('reader', 'select', 'capped_contract');

-- A contract whose entries bear on one another: what one burns or rounds away
-- another cannot.  Others are rated entry by entry.
CREATE VIEW sequential_contract WITH (security_invoker) AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id, d.draws
      FROM contract c
     CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM capped_contract q WHERE q.contract_id = c.id)
               OR EXISTS (SELECT FROM allotment a WHERE a.contract_id = c.id)
               OR EXISTS (SELECT FROM contract_line n WHERE n.contract_id = c.id
                          AND num_nonnulls(n.included_s, n.included_amount) > 0) AS draws) d
     WHERE d.draws OR c.round_scope <> 'entry'
        OR EXISTS (SELECT FROM terms t WHERE t.contract_id = c.id AND t.round_scope <> 'entry');
COMMENT ON VIEW sequential_contract IS
    'contracts with allotments or caps (draws) or rounding over several entries: an early entry changes later ones';
SELECT allow('reader', 'select', 'sequential_contract');

CREATE FUNCTION contract_group(p_base bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c
                 WHERE c.parent_id = p_base ORDER BY 1);
END $$;
COMMENT ON FUNCTION contract_group(bigint) IS 'a base contract and its companions';

-- A contract that is over has a last day, and closes the period it lies in.
CREATE FUNCTION end_contract() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.ends_on := coalesce(NEW.ends_on, greatest(NEW.starts_on, contract_today(NEW)));
    RETURN NEW;
END $$;
COMMENT ON FUNCTION end_contract() IS
    'trigger function of contract: one that is ended or cancelled without a day ends today';

CREATE FUNCTION base_contract(p_contract bigint) RETURNS contract
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
BEGIN
    SELECT b.* INTO v_contract FROM contract c JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
        WHERE c.id = p_contract;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no contract %', p_contract
            USING ERRCODE = 'foreign_key_violation', HINT = 'View contract_card lists the contracts.';
    END IF;
    RETURN v_contract;
END $$;
COMMENT ON FUNCTION base_contract(bigint) IS
    'a contract, or the base of a companion: it has the periods of both; refused (23503) when there is none';

CREATE FUNCTION lock_contract(p_contract bigint) RETURNS contract
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_contracts(ARRAY[p_contract]);
    RETURN base_contract(p_contract);
END $$;
COMMENT ON FUNCTION lock_contract(bigint) IS
    'hold the client of a contract and return the base contract as it is then; refused (23503) when there is none';
