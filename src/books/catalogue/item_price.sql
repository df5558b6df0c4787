-- ---------------------------------------------------------------------------
-- item price: which position prices an item
--
-- One rule for what is charged and what papers offer, and the same as for hours
-- (src/price): the first list there is of contract, project, client and default
-- is searched, then its parents.  Price, discount and cost are each taken from
-- the nearest position in force that says them: a position without a price may
-- give a discount on what is found above it, or a cost.
-- ---------------------------------------------------------------------------

CREATE FUNCTION first_price_list(p_contract bigint, p_project bigint, p_client bigint, p_currency text) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT c.price_list_id FROM contract c WHERE c.id = p_contract),
        (SELECT l.id FROM price_list l JOIN project p ON p.price_list_id = l.id
          WHERE p.id = p_project AND l.currency = p_currency),
        (SELECT l.id FROM price_list l WHERE l.client_id = p_client AND l.currency = p_currency),
        (SELECT l.id FROM price_list l WHERE l.is_default AND l.currency = p_currency));
END;
COMMENT ON FUNCTION first_price_list(bigint, bigint, bigint, text) IS
    'the price list that a search begins with: the contract''s, else the project''s, the client''s own, the default '
    'one, each where it is in the currency; NULL where there is none. A contract''s list has the contract''s currency';

CREATE FUNCTION item_position(p_list bigint, p_contract bigint, p_item bigint, p_on date,
    OUT price numeric, OUT cost numeric, OUT discount_pct numeric, OUT tiers jsonb, OUT price_id bigint,
    OUT list_name text, OUT source text, OUT discount_by jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE list AS (
        SELECT 1 AS depth, l.id, l.parent_id, l.name, l.discount_pct FROM price_list l WHERE l.id = p_list
        UNION ALL
        SELECT list.depth + 1, l.id, l.parent_id, l.name, l.discount_pct
          FROM list JOIN price_list l ON l.id = list.parent_id
    ), position AS MATERIALIZED (
        SELECT l.depth, l.name, r.id, r.price, r.tiers, r.cost, r.discount_pct
          FROM list l
         CROSS JOIN LATERAL (
            SELECT r.* FROM price r
             WHERE r.price_list_id = l.id AND r.item_id = p_item AND r.role IS NULL AND r.employee_id IS NULL
               AND r.valid_from <= p_on
             ORDER BY r.valid_from DESC LIMIT 1) r
    ), pricing AS (
        SELECT * FROM position p WHERE num_nonnulls(p.price, p.tiers) > 0 ORDER BY p.depth LIMIT 1
    ), discount AS (
        SELECT d.discount_pct,
               jsonb_strip_nulls(jsonb_build_object('kind', d.kind, 'id', d.id, 'name', d.name)) AS discount_by
          FROM pricing g
         CROSS JOIN LATERAL (
            SELECT 1 AS rank, p.depth, p.discount_pct, 'position' AS kind, p.id, p.name
              FROM position p WHERE p.depth <= g.depth
            UNION ALL
            SELECT 2, l.depth, l.discount_pct, 'list', l.id, l.name FROM list l WHERE l.depth <= g.depth
            UNION ALL
            SELECT 3, 0, c.discount_pct, 'contract', c.id, NULL FROM contract c WHERE c.id = p_contract) d
         WHERE d.discount_pct IS NOT NULL ORDER BY d.rank, d.depth LIMIT 1
    )
    SELECT g.price, (SELECT p.cost FROM position p WHERE p.cost IS NOT NULL ORDER BY p.depth LIMIT 1),
           d.discount_pct, g.tiers, g.id, g.name, g.name || ', position ' || g.id, d.discount_by
      FROM (VALUES (1)) one
      LEFT JOIN pricing g ON true
      LEFT JOIN discount d ON true;
END;
COMMENT ON FUNCTION item_position(bigint, bigint, bigint, date) IS
    'what price lists say of an item on a day, beginning with a list: price or tiers of a unit (both NULL: none says), '
    'cost of a unit (NULL: not known), the discount (a position''s, else a list''s, else the contract''s; they do not '
    'add up) and who gives it, and the position that gave the price: id, name of its list, in words';

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
