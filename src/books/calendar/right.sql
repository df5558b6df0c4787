-- ---------------------------------------------------------------------------
-- calendar: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'calendar'), allow('admin', 'insert,update,delete', 'calendar');
SELECT watch('calendar');
SELECT allow('reader', 'select', 'calendar_band'), allow('admin', 'insert,update,delete', 'calendar_band');
SELECT watch('calendar_band');
