-- ---------------------------------------------------------------------------
-- item price: which position prices an item
-- ---------------------------------------------------------------------------

CREATE FUNCTION item_price(p_contract bigint, p_project bigint, p_item bigint, p_on date)
    RETURNS TABLE (price numeric, cost numeric, discount_pct numeric, tiers jsonb, price_list_id bigint,
        price_id bigint, list_name text,
                   source text, discount_by jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE start AS (
        SELECT c.discount_pct, coalesce(
                 (SELECT l.id FROM price_list l WHERE l.id = c.price_list_id),
                 (SELECT l.id FROM price_list l JOIN project p ON p.price_list_id = l.id
                   WHERE p.id = p_project AND l.currency = c.currency),
                 (SELECT l.id FROM price_list l WHERE l.client_id = c.client_id AND l.currency = c.currency),
                 (SELECT l.id FROM price_list l WHERE l.is_default AND l.currency = c.currency)) AS list_id
          FROM contract c WHERE c.id = p_contract
    ), list AS (
        SELECT 1 AS depth, l.id, l.parent_id, l.name, l.discount_pct, 
               CASE WHEN l.discount_pct IS NOT NULL
                    THEN jsonb_build_object('kind', 'list', 'id', l.id, 'name', l.name) END AS discount_by
          FROM price_list l JOIN start s ON s.list_id = l.id
        UNION ALL
        SELECT list.depth + 1, l.id, l.parent_id, l.name, coalesce(list.discount_pct, l.discount_pct),
               coalesce(list.discount_by, CASE WHEN l.discount_pct IS NOT NULL
                                                THEN jsonb_build_object('kind', 'list', 'id', l.id, 'name', l.name) END)
          FROM list JOIN price_list l ON l.id = list.parent_id
    )
    SELECT r.price, r.cost, coalesce(r.discount_pct, l.discount_pct, s.discount_pct), r.tiers, s.list_id, r.id, l.name,
           format('%s, position %s', l.name, r.id),
           CASE WHEN r.discount_pct IS NOT NULL THEN jsonb_build_object('kind', 'position', 'id', r.id, 'name', l.name)
                WHEN l.discount_pct IS NOT NULL THEN l.discount_by
                WHEN s.discount_pct IS NOT NULL THEN jsonb_build_object('kind', 'contract', 'id', p_contract) END
      FROM list l
     CROSS JOIN start s
     CROSS JOIN LATERAL (
        SELECT r.* FROM price r
         WHERE r.price_list_id = l.id AND r.item_id = p_item AND r.role IS NULL AND r.employee_id IS NULL
           AND r.valid_from <= p_on
         ORDER BY r.valid_from DESC LIMIT 1) r
     WHERE num_nonnulls(r.price, r.tiers) > 0
     ORDER BY l.depth LIMIT 1;
END;
COMMENT ON FUNCTION item_price(bigint, bigint, bigint, date) IS
    'the position that prices an item under a contract on a day: contract''s list, else the project''s, the client''s, '
    'the default one, then their parents; no row when nothing does. A position''s discount replaces that of its list, '
    'which replaces the contract''s';

CREATE FUNCTION tiers_amount(p_tiers jsonb, p_quantity numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT tiered_amount(p_quantity,
        ARRAY(SELECT (b.value #>> '{}')::numeric
                FROM jsonb_array_elements(p_tiers -> 'bounds') WITH ORDINALITY b (value, no) ORDER BY b.no),
        ARRAY(SELECT (b.value #>> '{}')::numeric
                FROM jsonb_array_elements(p_tiers -> 'prices') WITH ORDINALITY b (value, no) ORDER BY b.no),
        CASE WHEN jsonb_typeof(p_tiers -> 'flats') = 'array' THEN
            ARRAY(SELECT (b.value #>> '{}')::numeric
                    FROM jsonb_array_elements(p_tiers -> 'flats') WITH ORDINALITY b (value, no) ORDER BY b.no) END,
        p_tiers ->> 'mode');
END;
COMMENT ON FUNCTION tiers_amount(jsonb, numeric) IS
    'the exact price of a quantity by the tiers of a price position, as tiered_amount() counts it';

CREATE FUNCTION item_terms(p_item bigint, p_client bigint, p_list bigint, p_currency text, p_on date, OUT price numeric,
                           OUT cost numeric, OUT discount_pct numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- lists in their order: the contract's, the client's, the default one, each with its parents; the
    -- first that knows the item
    WITH RECURSIVE start AS (
        SELECT l.id, l.parent_id, l.discount_pct,
               CASE WHEN l.id = p_list THEN 1 WHEN l.client_id = p_client THEN 2 ELSE 3 END AS rank
          FROM price_list l
         WHERE l.currency = p_currency AND (l.id = p_list OR l.client_id = p_client OR l.is_default)
    ), list AS (
        SELECT s.id, s.parent_id, s.discount_pct, s.rank, 0 AS depth FROM start s
        UNION ALL
        SELECT l.id, l.parent_id, coalesce(x.discount_pct, l.discount_pct), x.rank, x.depth + 1 FROM price_list l
          JOIN list x ON x.parent_id = l.id
    )
    SELECT r.price, r.cost, coalesce(r.discount_pct, x.discount_pct)
      FROM list x
     CROSS JOIN LATERAL (
        SELECT r.price, r.cost, r.discount_pct FROM price r
         WHERE r.price_list_id = x.id AND r.item_id = p_item AND r.employee_id IS NULL AND r.role IS NULL
           AND r.valid_from <= p_on
         ORDER BY r.valid_from DESC LIMIT 1) r
     WHERE r.price IS NOT NULL
     ORDER BY x.rank, x.depth LIMIT 1;
END;
COMMENT ON FUNCTION item_terms(bigint, bigint, bigint, text, date) IS
    'price, cost and discount of an item by the price lists of contract, client and default, in this order; NULL when '
    'none knows it';
