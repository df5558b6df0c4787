
-- ---------------------------------------------------------------------------
-- codes of companies, people, banks and accounts
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.check_code(kind text, value text, context text DEFAULT NULL, digits boolean DEFAULT true)
    RETURNS text
    AS 'MODULE_PATHNAME', 'finance_check_code' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.check_code(text, text, text, boolean) IS
    'what is wrong with a code, by its signs and check digits; NULL where nothing is, and for none. Kinds: edrpou, rnokpp, ipn '
    '(Ukraine); inn_company, inn_person, kpp, ogrn, ogrnip, bik, ru_account, ru_correspondent (Russia; context the BIK of the bank); unp '
    '(Belarus); bin, iin, kbe, knp (Kazakhstan); bic, iban; eu_vat (context the prefix it must have). With digits false its '
    'signs alone are looked at. Spaces and hyphens do not count, in unp and iban Cyrillic letters that look Latin are Latin. Refuses unknown kinds (22023)';

CREATE FUNCTION finance.plain_code(kind text, value text) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_plain_code' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.plain_code(text, text) IS
    'a code of a kind of check_code() as registers have it: in capitals, without spaces and hyphens, Cyrillic look-alikes in unp and iban as '
    'Latin letters. Refuses unknown kinds (22023)';
