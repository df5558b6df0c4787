-- ---------------------------------------------------------------------------
-- lock: what protects a sum, at every isolation level
--
-- A transaction in REPEATABLE READ or SERIALIZABLE reads its old snapshot also
-- after it has waited for a lock, so a row that is only locked protects nothing
-- from it.  A lock of the books is a new version of a narrow row instead: who
-- waited reads what the other one wrote (READ COMMITTED), or is told 40001 by
-- the server (the other levels), in any mixture of levels.
--
-- Logs of plain work bear on nothing but what they add, so they need not wait for
-- one another: log_entries() only locks the row of the client, shared, where the
-- whole transaction is that statement; who holds the client waits for them, and
-- they for him.  What they leave to be seen by an older snapshot is the charge.
--
-- Order: rows that people write themselves (a time entry, a payment, a task),
-- then parties by id, then what only functions write (documents, charges by id),
-- number series last.  Whatever reads a sum in order to write takes the lock first.
-- ---------------------------------------------------------------------------

-- The one place that locks.  A row is made when it is first held; what this
-- transaction holds already is not written again.
CREATE FUNCTION hold(p_kind text, p_ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_holder CONSTANT bigint := pg_current_xact_id()::text::bigint;
BEGIN
    INSERT INTO lock_version AS v (kind, id, holder, held_at)
    SELECT p_kind, x.id, v_holder, now()
      FROM (SELECT DISTINCT u.id FROM unnest(p_ids) u (id) WHERE u.id IS NOT NULL) x
     -- a look-up for each: SERIALIZABLE remembers what is read, and shall remember no neighbours
     WHERE (SELECT (o.holder, o.held_at) = (v_holder, now()) FROM lock_version o
             WHERE o.kind = p_kind AND o.id = x.id) IS NOT true
     ORDER BY x.id
    ON CONFLICT ON CONSTRAINT lock_version_pkey DO UPDATE SET holder = excluded.holder, held_at = excluded.held_at;
    -- a log of plain work leaves no version, but open charges
    IF FOUND AND p_kind = 'party' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
        AND EXISTS (SELECT FROM unnest(p_ids) u (id) WHERE finance.newer_in_index('charge_open_idx', u.id)) THEN
        RAISE EXCEPTION 'work was logged for these parties since this transaction began'
            USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
    END IF;
END $$;
COMMENT ON FUNCTION hold(text, bigint[]) IS
    'hold things of a kind until the end of the transaction, by id; waits for who holds them. Raised by the server: '
    '40001 where another transaction held one of them after the snapshot of this one (REPEATABLE READ, SERIALIZABLE), '
    '40P01 where two hold in turns what the other waits for';

CREATE FUNCTION heed(p_kind text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        PERFORM FROM lock_version v WHERE v.kind = p_kind AND v.id = 0 FOR SHARE;
    END IF;
END $$;
COMMENT ON FUNCTION heed(text) IS
    'see to it that what all share (books, ledger) was not changed since this transaction took its snapshot (40001); '
    'READ COMMITTED sees every change';

CREATE FUNCTION lock_parties(p_parties bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM hold('party', p_parties);  -- also when there is none: the table is then locked against lock_books()
    PERFORM heed('books');
END $$;
COMMENT ON FUNCTION lock_parties(bigint[]) IS
    'hold parties, by id: their contracts, work, charges, documents, payments and allocations; whoever reads a sum of '
    'these in order to write holds the party';

-- Whose contract it is may change while we wait: then the new client is held too.
CREATE FUNCTION lock_contracts(p_contracts bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_held bigint[] := '{}';
    v_clients bigint[];
BEGIN
    LOOP
        v_clients := ARRAY(SELECT DISTINCT c.client_id FROM contract c WHERE c.id = ANY (p_contracts) ORDER BY 1);
        EXIT WHEN v_clients = v_held;
        PERFORM lock_parties(v_clients);
        v_held := v_clients;
    END LOOP;
END $$;
COMMENT ON FUNCTION lock_contracts(bigint[]) IS 'hold the clients of contracts';

CREATE FUNCTION lock_books() RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    LOCK TABLE lock_version, entry IN SHARE ROW EXCLUSIVE MODE;
    -- what others wrote since is there, and would not be seen
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
        AND (finance.newer_than_snapshot('lock_version') OR finance.newer_in_index('charge_open_idx', NULL)) THEN
        RAISE EXCEPTION 'the books were written to since this transaction began'
            USING ERRCODE = 'serialization_failure', HINT = 'Run the transaction again.';
    END IF;
    PERFORM hold('books', '{0}');
END $$;
COMMENT ON FUNCTION lock_books() IS
    'wait for everyone who writes facts and let all others wait: for the rare change of what gives facts of all '
    'clients their meaning (base currency, decimals of a currency, ledger account of a cash account, cost rates, '
    'exchange rates, kinds of work, time zones). 40001 where a fact was written after the snapshot of this transaction '
    '(REPEATABLE READ, SERIALIZABLE)';
