-- ---------------------------------------------------------------------------
-- notice: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('clerk', 'select', 'notification'), allow('clerk', 'update', 'notification', columns => '{delivered_at}');
