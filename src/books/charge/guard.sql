-- ---------------------------------------------------------------------------
-- charge guard: frozen charges are facts; what charges and entries name by id stays
-- ---------------------------------------------------------------------------

-- Frozen charges are facts; only where their profit is told may change: a deal is
-- made of what was billed, or a task is given one later.
CREATE FUNCTION guard_charge() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{deal_id,committed}';  -- which is generated, and not yet here
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - c_open = to_jsonb(NEW) - c_open THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'charge % is frozen and cannot be %', OLD.id, CASE TG_OP WHEN 'DELETE' THEN 'deleted'
        ELSE 'changed' END
        USING ERRCODE = 'restrict_violation',
            DETAIL = frozen_by(OLD.id),
            HINT = 'Correct it by a reversal: correct_entry(), adjust_charge() or credit().';
END $$;
COMMENT ON FUNCTION guard_charge() IS
    'trigger function of charge: a frozen charge is never changed, but for its deal, or deleted (23001)';

CREATE FUNCTION keep_named() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.id = OLD.id THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the id of % % stays as it is', replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Charges and ledger entries know the row by it; change other columns.';
    END IF;
    -- Foreign keys see what others charge meanwhile; of a price list there is none.
    IF TG_TABLE_NAME = 'price_list' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
        THEN
        RAISE EXCEPTION 'in a % transaction it cannot be seen whether % % has charges',
            current_setting('transaction_isolation'),
            replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Delete it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
    PERFORM lock_books() WHERE TG_TABLE_NAME = 'price_list';
    IF (CASE TG_TABLE_NAME WHEN 'party' THEN EXISTS (SELECT FROM charge h WHERE h.client_id = OLD.id)
                                              OR to_jsonb(OLD) ->> 'kind' = 'own'
                                                  AND EXISTS (SELECT FROM charge h WHERE h.own_id = OLD.id)
                           WHEN 'project' THEN EXISTS (SELECT FROM charge h WHERE h.project_id = OLD.id)
                           WHEN 'task' THEN EXISTS (SELECT FROM charge h WHERE h.task_id = OLD.id)
                           WHEN 'deal' THEN EXISTS (SELECT FROM charge h WHERE h.deal_id = OLD.id)
                           WHEN 'employee' THEN EXISTS (SELECT FROM charge h WHERE h.employee_id = OLD.id)
                           WHEN 'direction' THEN EXISTS (SELECT FROM charge h WHERE h.direction_id = OLD.id)
                           WHEN 'work_type' THEN EXISTS (SELECT FROM charge h WHERE h.work_type_id = OLD.id)
                           WHEN 'item' THEN EXISTS (SELECT FROM charge h WHERE h.item_id = OLD.id)
                           WHEN 'price_list' THEN EXISTS (SELECT FROM charge h WHERE h.price_list_id = OLD.id)
                           WHEN 'contract' THEN EXISTS (SELECT FROM charge h WHERE h.contract_id = OLD.id)
                                                OR EXISTS (SELECT FROM allotment a WHERE a.contract_id = OLD.id)
                                                OR EXISTS (SELECT FROM billing_period b WHERE b.contract_id = OLD.id)
                           WHEN 'contract_line' THEN EXISTS (SELECT FROM charge h WHERE h.contract_line_id = OLD.id)
                                                     OR EXISTS (SELECT FROM allotment a
                                                                 WHERE a.contract_line_id = OLD.id) END) THEN
        RAISE EXCEPTION '% % has % and cannot be deleted', replace(TG_TABLE_NAME, '_', ' '), OLD.id,
            CASE TG_TABLE_NAME WHEN 'contract' THEN 'charges, hours or closed periods'
                               WHEN 'contract_line' THEN 'charges or hours' ELSE 'charges' END
            USING ERRCODE = 'restrict_violation',
                HINT = CASE TG_TABLE_NAME
                           WHEN 'contract' THEN 'End it: set status and ends_on. What is open after that day goes.'
                           WHEN 'contract_line' THEN 'Set its status to cancelled: what is open of it goes, what is '
                                                     'billed stays.'
                           ELSE 'Figures are told by it; close, archive or rename it instead.' END;
    END IF;
    RETURN OLD;
END $$;
COMMENT ON FUNCTION keep_named() IS
    'trigger function of what charges name: its id never changes, and it is not deleted while a charge names it, nor '
    'a contract or line with hours or closed periods (23001); a price list is deleted in READ COMMITTED only (23001). '
    'SECURITY DEFINER because row policies must not hide charges';

CREATE FUNCTION keep_burned() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_burned numeric;
BEGIN
    PERFORM lock_contracts(ARRAY[OLD.contract_id, NEW.contract_id]);
    v_burned := allotment_held(OLD.id);
    IF NEW.amount < v_burned OR v_burned <> 0 AND (NEW.unit, NEW.contract_id) <> (OLD.unit, OLD.contract_id) THEN
        RAISE EXCEPTION 'billed work has taken % of allotment % already', trim_scale(v_burned), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Keep its unit and contract and at least that amount, or void_block() it.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_burned() IS
    'trigger function of allotment: what billed work took of it stays (23001); SECURITY DEFINER because nobody is '
    'granted the locks';
