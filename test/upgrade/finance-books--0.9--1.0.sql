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

-- Numbers are given once for a company and kind; what is void leaves keys of outside systems to others, a supplier's
-- numbers are of a year.
ALTER TABLE document DROP CONSTRAINT document_number_text_once, DROP CONSTRAINT document_external_key;
DROP INDEX document_bill_once;
CREATE UNIQUE INDEX document_number_text_once ON document (own_id, kind, number) NULLS NOT DISTINCT
    WHERE number IS NOT NULL;
CREATE UNIQUE INDEX document_external_key ON document (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX document_bill_once ON document (party_id, outside_number, (extract(year FROM issued_on)))
    NULLS NOT DISTINCT WHERE kind = 'bill' AND status <> 'void';
COMMENT ON TABLE number_series IS
    'counters of document numbers, one for each own company, kind and year, without gaps. pattern: {YYYY} {YY} {MM} '
    '{DD} of the day of issue, {####} the counter padded to so many digits; a new year takes the pattern of the year '
    'before, and where that names no year its counter goes on. Its row is the last one that a transaction locks';
