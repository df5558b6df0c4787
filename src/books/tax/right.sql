-- ---------------------------------------------------------------------------
-- tax: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'tax'), allow('reader', 'select', 'tax_rate'), allow('reader', 'select', 'tax_part');
SELECT allow('manager', 'insert,update,delete', 'tax'), allow('manager', 'insert,update,delete', 'tax_rate'),
       allow('manager', 'insert,update,delete', 'tax_part');
SELECT watch('tax'), watch('tax_rate'), watch('tax_part');
