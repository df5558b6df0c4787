-- What the tables of version 1.0 have other than those of 0.9.

-- A word for what is frozen or held; fixed are prices.
ALTER TABLE charge RENAME COLUMN fixed TO settled;
ALTER VIEW IF EXISTS visible_charge RENAME COLUMN fixed TO settled;
