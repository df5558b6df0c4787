-- ---------------------------------------------------------------------------
-- account: the chart of accounts
-- ---------------------------------------------------------------------------

-- Charges, documents and payments are posted to these by their codes.
CREATE FUNCTION keep_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.code, NEW.kind) = (OLD.code, OLD.kind) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the books post to account "%": its code and kind stay', OLD.code
        USING ERRCODE = 'restrict_violation', HINT = 'Change its name, or add an account of your own.';
END $$;
COMMENT ON FUNCTION keep_account() IS 'trigger function of account: those that the functions of the books post to keep code and kind, and stay (23001)';

CREATE FUNCTION account_id(code text) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_id bigint := (SELECT a.id FROM account a WHERE a.code = account_id.code);
BEGIN
    IF v_id IS NULL AND code IS NOT NULL THEN
        RAISE EXCEPTION 'unknown account "%"', code
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table account lists the codes.';
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION account_id(text) IS 'the account with a code; refused (23503) when there is none';
