-- ---------------------------------------------------------------------------
-- dunning: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'dunning_level'), allow('manager', 'insert,update,delete', 'dunning_level');
SELECT allow('reader', 'select', 'dispute'), allow('reader', 'select', 'reminder');
SELECT watch('dunning_level');
