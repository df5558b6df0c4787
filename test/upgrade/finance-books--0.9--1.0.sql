-- What the tables of version 1.0 have other than those of 0.9.

-- The books are exact in currencies of up to two decimals, and take no others. One that is in use holds the upgrade up.
ALTER TABLE currency_code DROP CONSTRAINT currency_code_exponent_range;
DELETE FROM currency_code WHERE exponent > 2;
ALTER TABLE currency_code
    ADD CONSTRAINT currency_code_exponent_range CHECK (exponent BETWEEN 0 AND 2),
    ADD CONSTRAINT currency_code_exact CHECK (code <> ALL ('{BHD,CLF,IQD,JOD,KWD,LYD,OMR,TND,UYW}'));
COMMENT ON TABLE currency_code IS
    'currencies the books know; exponent is the number of decimals of an amount (ISO 4217), 0 to 2: in these the books '
    'are exact everywhere, and take no others. Whatever names a currency names a row of this table';
