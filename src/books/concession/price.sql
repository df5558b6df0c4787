-- ---------------------------------------------------------------------------
-- price: cuts of prices and discounts, measured by what they replace
-- ---------------------------------------------------------------------------

-- Prices and discounts that managers set.
--
-- A position is searched by employee, role and kind of work, the most specific
-- first, so it takes over from those that are as specific or less, of whatever
-- it answers for and on every day until its own key goes on.
CREATE FUNCTION price_before(p_new price) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH position AS (
        SELECT p.work_type_id, p.role, p.employee_id, p.valid_from, p.price,
               4 * (p.employee_id IS NOT NULL)::int + 2 * (p.role IS NOT NULL)::int
                   + (p.work_type_id IS NOT NULL)::int AS specific,
               (p.work_type_id, p.role, p.employee_id)
               IS NOT DISTINCT FROM (p_new.work_type_id, p_new.role, p_new.employee_id) AS own
          FROM price p
         WHERE p.price_list_id = p_new.price_list_id AND p.item_id IS NOT DISTINCT FROM p_new.item_id
           AND p.id <> p_new.id
    ), question AS (
        SELECT p_new.work_type_id, coalesce(p_new.role, m.role) AS role, p_new.employee_id
          FROM (VALUES (1)) one
          LEFT JOIN employee m ON m.id = p_new.employee_id
        UNION
        SELECT coalesce(p_new.work_type_id, p.work_type_id), coalesce(p_new.role, m.role, p.role), p_new.employee_id
          FROM position p LEFT JOIN employee m ON m.id = p_new.employee_id
         WHERE p.employee_id IS NULL OR p.employee_id = p_new.employee_id
    ), day AS (
        SELECT p_new.valid_from AS day
        UNION
        SELECT p.valid_from FROM position p
         WHERE p.valid_from > p_new.valid_from
           AND p.valid_from < (SELECT coalesce(min(o.valid_from), 'infinity') FROM position o
                                WHERE o.own AND o.valid_from > p_new.valid_from)
    )
    SELECT max(b.price)
      FROM question q CROSS JOIN day d
     CROSS JOIN LATERAL (
        SELECT k.price, k.specific
          FROM (SELECT DISTINCT ON (p.work_type_id, p.role, p.employee_id) p.price, p.specific
                  FROM position p
                 WHERE coalesce(p.work_type_id = q.work_type_id, p.work_type_id IS NULL)
                   AND coalesce(p.role = q.role, p.role IS NULL)
                   AND coalesce(p.employee_id = q.employee_id, p.employee_id IS NULL) AND p.valid_from <= d.day
                 ORDER BY p.work_type_id, p.role, p.employee_id, p.valid_from DESC) k
         WHERE k.price IS NOT NULL ORDER BY k.specific DESC LIMIT 1) b
     WHERE b.specific <= 4 * (p_new.employee_id IS NOT NULL)::int + 2 * (p_new.role IS NOT NULL)::int
                         + (p_new.work_type_id IS NOT NULL)::int;
END;
COMMENT ON FUNCTION price_before(price) IS
    'the greatest price of its list that a position takes over from, NULL for none: of the same key before, or less '
    'specific, on any day that it holds';

CREATE FUNCTION check_concession() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.discount_pct IS DISTINCT FROM OLD.discount_pct THEN
        PERFORM check_discount(NEW.discount_pct, 'a discount');
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_concession() IS
    'trigger function of contract, price_list and price: discounts stay within the limit of whoever gives them (42501)';

CREATE FUNCTION check_price_cut() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_before numeric;
BEGIN
    IF NOT EXISTS (SELECT FROM limit_rows(current_user) m WHERE m.discount_pct < 100) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    -- what would hold in the place of a position that goes cannot be told in per cent
    IF TG_OP = 'DELETE' THEN
        PERFORM refuse_limited('a position that goes, moves or has tiers');
        RETURN OLD;
    ELSIF TG_OP = 'INSERT' THEN
        v_before := price_before(NEW);
        PERFORM refuse_limited('a position that goes, moves or has tiers')
            WHERE NEW.tiers IS NOT NULL OR NEW.price IS NULL AND v_before IS NOT NULL;
    ELSE
        v_before := coalesce(OLD.price, price_before(NEW));
        PERFORM refuse_limited('a position that goes, moves or has tiers')
          WHERE to_jsonb(NEW) - '{price,cost,discount_pct}'::text[] <> to_jsonb(OLD)
              - '{price,cost,discount_pct}'::text[]
             OR OLD.price IS NOT NULL AND NEW.price IS NULL;
    END IF;
    PERFORM check_discount(100 - 100 * NEW.price / v_before, 'a price cut') WHERE v_before > 0;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_cut() IS
    'trigger function of price: price cuts stay within the limit of whoever makes them, who leaves the key and the '
    'tiers of positions alone (42501)';
