-- ---------------------------------------------------------------------------
-- ledger: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'account'), allow('controller', 'insert,update,delete', 'account');
SELECT watch('account');
SELECT allow('reader', 'select', 'account_role');
SELECT allow('reader', 'select', 'statement_line'), allow('controller', 'insert,update,delete', 'statement_line');
SELECT watch('statement_line');
SELECT allow('reader', 'select', 'period_lock'), allow('controller', 'insert,delete', 'period_lock');
SELECT watch('period_lock');
SELECT allow('controller', 'select', 'event');
SELECT allow('reader', 'select', 'entry', columns => '{id}'), allow('controller', 'select', 'entry');
