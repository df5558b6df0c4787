-- ---------------------------------------------------------------------------
-- concession: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT watch('manager_limit');
SELECT allow('manager', 'select', 'manager_limit'), allow('controller', 'insert,update,delete', 'manager_limit');
SELECT allow('manager', 'select', 'concession');
SELECT allow('manager', 'select', 'concession_month');
