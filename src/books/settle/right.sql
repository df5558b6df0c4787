-- ---------------------------------------------------------------------------
-- settle: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'payment_allocation');
SELECT watch('payment_allocation');
