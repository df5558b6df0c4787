-- ---------------------------------------------------------------------------
-- work: prices and dispositions set by hand, discounts of documents
-- ---------------------------------------------------------------------------

-- What an entry costs by its own word is a price that no list bounds.
CREATE FUNCTION check_override() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_level('manager', 'say what an entry is billed at');
    PERFORM refuse_limited('an own price, disposition or length of a time entry');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_override() IS
    'trigger function of time_entry: who has a limit of discount cannot set or clear an entry''s own price, '
    'disposition or billed length (42501)';

-- Nor what becomes of all work of a task or project.
CREATE FUNCTION check_disposition() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM refuse_limited('work that is not billed');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_disposition() IS
    'trigger function of task and project: who has a limit of discount cannot say that their work is not billed, nor '
    'unsay that it is (42501)';

CREATE FUNCTION check_agreed_line(p_line jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF given_number(p_line, 'discount_pct') <> 0 THEN
        PERFORM require_level('manager', 'agree a discount', calling_role());
        PERFORM check_discount(given_number(p_line, 'discount_pct'), 'a discount', calling_role());
    END IF;
    IF p_line ? 'item' AND p_line ?| '{price,cost}' THEN
        PERFORM require_level('manager', 'agree the price of an item', calling_role());
        PERFORM refuse_limited('an agreed price of an item', calling_role());
    END IF;
END $$;
COMMENT ON FUNCTION check_agreed_line(jsonb) IS
    'refuse (42501) a line of a specification, which is charged as agreed, with a discount or a price of its own for '
    'an item: managers give them, within their limit';

-- A discount is a manager's to give, through whatever function it comes; a
-- revision may keep what the one before gave.
CREATE FUNCTION check_document_discount(p_before document, p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF (p_document.discount_pct, p_document.discount_amount)
        IS DISTINCT FROM (p_before.discount_pct, p_before.discount_amount)
        AND num_nonnulls(p_document.discount_pct, p_document.discount_amount) > 0 THEN
        PERFORM require_level('manager', 'give a discount', calling_role());
        IF p_document.discount_amount IS NOT NULL THEN
            PERFORM refuse_limited('a discount in money', calling_role());
        END IF;
        PERFORM check_discount(p_document.discount_pct, 'a discount', calling_role());
    END IF;
END $$;
COMMENT ON FUNCTION check_document_discount(document, document) IS
    'refuse (42501) a discount that was not on the document before, or on the one it revises: discounts are given by '
    'managers, within their limit; who has one gives them in per cent';
