-- ---------------------------------------------------------------------------
-- plan: how the statements of functions are planned
--
-- The planner guesses by statistics that tables which were just loaded do not
-- have, and plans a saved statement anew for its first five calls.  What asks by
-- key, once or many times in a transaction, is told here to keep one plan and to
-- look rows up; no other file sets anything of the planner, but plan_for(), which
-- chooses by the number of rows.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_plan record;
    v_function regprocedure;
BEGIN
    FOR v_plan IN SELECT * FROM (VALUES
        -- A look-up by key: planning takes longer than the look-up itself.
        ('SET plan_cache_mode = force_generic_plan',
         '{pair_exchange,exchange,exchange_rate_on,contract_group,contract_zone,contract_lists,contract_terms,'
         'complete_dimension,grant_included,list_document,stamp_lists,stamp_terms,put_charges,put_entries,put_lines,'
         'put_documents,open_events}'),
        -- The same, of tables that grow while they are read: SERIALIZABLE remembers what a scan reads, and a
        -- scan of charge by each of many entries would be a product.
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off', '{hold}'),
        ('SET enable_seqscan = off', '{heed}'),
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off',
         '{is_committed,allotment_state,add_use}'),
        -- Rows of one statement, each by its keys, whatever the planner knows of charge; foreign keys are
        -- checked by the same mode.
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off '
         'SET enable_hashjoin = off',
         '{store_rating,replace_charges}'),
        ('SET plan_cache_mode = auto SET enable_seqscan = off SET enable_mergejoin = off', '{rate_sequence}')
        ) AS v (settings, names)
    LOOP
        FOR v_function IN
            SELECT p.oid FROM unnest(v_plan.names::name[]) n (name)
              LEFT JOIN pg_proc p ON p.proname = n.name AND p.pronamespace = quote_ident(current_schema())::regnamespace
        LOOP
            EXECUTE format('ALTER FUNCTION %s %s', v_function, v_plan.settings);
        END LOOP;
    END LOOP;
    -- plan_for() chooses for its caller: the choice ends with him, and is not left to the user's transaction.
    FOR v_function IN
        SELECT p.oid FROM pg_proc p
         WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND p.prosrc ~ 'PERFORM plan_for[(]'
           AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^plan_cache_mode=')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = auto', v_function);
    END LOOP;
END $$;
