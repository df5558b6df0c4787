-- ---------------------------------------------------------------------------
-- catalogue: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'item'), allow('manager', 'insert,update,delete', 'item');
SELECT watch('item');
SELECT allow('reader', 'select', 'price_list'),
       allow('manager', 'insert,update', 'price_list', but => '{revision}'), allow('manager', 'delete', 'price_list');
SELECT watch('price_list', 'ignore:revision');
SELECT allow('reader', 'select', 'price'), allow('manager', 'insert,update,delete', 'price');
SELECT watch('price');
