-- ---------------------------------------------------------------------------
-- account: the chart of accounts, and what its accounts are for
-- ---------------------------------------------------------------------------

CREATE FUNCTION keep_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.code, NEW.kind) = (OLD.code, OLD.kind)
        OR NOT EXISTS (SELECT FROM account_role r WHERE r.account_id = OLD.id) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'the books post to account "%": its code and kind stay', OLD.code
        USING ERRCODE = 'restrict_violation', HINT = 'Change its name, or add an account of your own.';
END $$;
COMMENT ON FUNCTION keep_account() IS
    'trigger function of account: those of account_role, which the books post to, keep code and kind, and stay (23001)';

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

CREATE FUNCTION role_code(p_role text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.code FROM account_role r JOIN account a ON a.id = r.account_id WHERE r.role = p_role;
END;
COMMENT ON FUNCTION role_code(text) IS 'the code of the account that has a role';

-- One row of columns, so that a query looks the roles up once.
CREATE VIEW role_account WITH (security_invoker) AS
    SELECT max(r.account_id) FILTER (WHERE r.role = 'receivable') AS receivable,
           max(r.account_id) FILTER (WHERE r.role = 'payable') AS payable,
           max(r.account_id) FILTER (WHERE r.role = 'tax') AS tax,
           max(r.account_id) FILTER (WHERE r.role = 'revenue') AS revenue,
           max(r.account_id) FILTER (WHERE r.role = 'direct_labour') AS direct_labour,
           max(r.account_id) FILTER (WHERE r.role = 'absorbed_labour') AS absorbed_labour,
           max(r.account_id) FILTER (WHERE r.role = 'materials') AS materials,
           max(r.account_id) FILTER (WHERE r.role = 'absorbed_materials') AS absorbed_materials,
           max(r.account_id) FILTER (WHERE r.role = 'unbilled') AS unbilled,
           max(r.account_id) FILTER (WHERE r.role = 'exchange') AS exchange,
           max(r.account_id) FILTER (WHERE r.role = 'opening') AS opening,
           max(r.account_id) FILTER (WHERE r.role = 'conversion') AS conversion,
           max(r.account_id) FILTER (WHERE r.role = 'netting') AS netting
      FROM account_role r;
COMMENT ON VIEW role_account IS 'one row: the accounts that entries are made with, by role';
SELECT allow('reader', 'select', 'role_account');

CREATE VIEW settling_article WITH (security_invoker) AS
    SELECT a.id AS article_id, a.code AS article FROM account a WHERE a.kind = 'income' AND NOT a.accrues;
COMMENT ON VIEW settling_article IS
    'the articles whose payments settle what clients owe: income that charges accrue, as revenue; money in with '
    'another article is an advance of nobody';
SELECT allow('reader', 'select', 'settling_article');

-- Invoices and bills of one party stand on two accounts: what pays the one is no money
-- of the other.
CREATE FUNCTION settled_flow(p_article text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN a.kind = 'income' AND NOT a.accrues THEN 'in' WHEN a.kind = 'expense' THEN 'out' END
      FROM account a WHERE a.code = p_article;
END;
COMMENT ON FUNCTION settled_flow(text) IS
    'which documents payments of an article settle: in, what clients owe; out, what is owed to suppliers; NULL: none';

-- Whose people log their hours is in the figures at their cost rates already:
-- what they are paid is payroll, or their work would cost twice.
CREATE FUNCTION bill_article(p_party bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.code
      FROM account_role r JOIN account a ON a.id = r.account_id
     WHERE r.role = CASE WHEN EXISTS (SELECT FROM employee m WHERE m.party_id = p_party)
                         THEN 'people_bill' ELSE 'contractor_bill' END;
END;
COMMENT ON FUNCTION bill_article(bigint) IS
    'the article of a party''s bill that names none: payroll where its people log their hours here, contractors else';
