-- ---------------------------------------------------------------------------
-- tax: taxes on sales and purchases, and their rates by date
-- ---------------------------------------------------------------------------

CREATE TABLE tax (
    code text CONSTRAINT tax_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT tax_named CHECK (name <> ''),
    kind text NOT NULL DEFAULT 'rated'
        CONSTRAINT tax_kind_known CHECK (kind IN ('rated', 'exempt', 'reverse_charge', 'not_payer', 'abroad')),
    words jsonb
        CONSTRAINT tax_words_object CHECK (jsonb_typeof(words) = 'object'),
    account_code text,
    CONSTRAINT tax_without_rate_says_why CHECK (kind = 'rated' OR words IS NOT NULL)
);
COMMENT ON TABLE tax IS
    'the taxes that contracts and lines of documents name by code. kind rated: by the rates of tax_rate, or made of '
    'others (tax_part), and words its name by language, {"uk", "ru", "en"}; exempt, reverse_charge (the buyer owes '
    'it), not_payer (we take none) and abroad (the place of supply): none, and the paper carries the words that say '
    'why. account_code: the account it is owed on, NULL for that of the role tax';

CREATE TABLE tax_rate (
    tax_code text NOT NULL CONSTRAINT tax_rate_tax_fkey REFERENCES tax,
    valid_from date NOT NULL
        CONSTRAINT tax_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    rate numeric(7,4) NOT NULL CONSTRAINT tax_rate_range CHECK (rate BETWEEN 0 AND 100),
    CONSTRAINT tax_rate_pkey PRIMARY KEY (tax_code, valid_from)
);
COMMENT ON TABLE tax_rate IS
    'rates of taxes in per cent, each from a day on: work has the rate of its own day, whenever it is billed';

CREATE TABLE tax_part (
    tax_code text NOT NULL CONSTRAINT tax_part_tax_fkey REFERENCES tax,
    part_code text NOT NULL CONSTRAINT tax_part_part_fkey REFERENCES tax,
    CONSTRAINT tax_part_pkey PRIMARY KEY (tax_code, part_code),
    CONSTRAINT tax_part_of_another CHECK (part_code <> tax_code)
);
COMMENT ON TABLE tax_part IS
    'taxes that are made of others, as a federal and a provincial one: each is reckoned and rounded of its own, and '
    'owed on its own account';
