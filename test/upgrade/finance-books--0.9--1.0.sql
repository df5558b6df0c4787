-- What the tables of version 1.0 have other than those of 0.9.

-- Positions for an item and a person or role never priced anything.
DELETE FROM price WHERE item_id IS NOT NULL AND num_nonnulls(role, employee_id) > 0;
ALTER TABLE price ADD CONSTRAINT price_item_for_all CHECK (item_id IS NULL OR num_nonnulls(role, employee_id) = 0);

-- The cost of a line was that of all of it; it is that of a unit, as everywhere.
UPDATE document_line SET cost = cost / quantity WHERE cost IS NOT NULL AND quantity <> 0 AND charge_id IS NULL;

-- Columns that nothing ever read.
ALTER TABLE party DROP COLUMN segment;
ALTER TABLE deal DROP COLUMN custom;
