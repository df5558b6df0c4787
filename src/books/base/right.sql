-- ---------------------------------------------------------------------------
-- base: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'access_level'), allow('reader', 'select', 'access_rule'), allow('admin', 'select',
    'access_grant');
SELECT allow('admin', 'select', 'code_object');
SELECT allow('controller', 'select', 'history');
SELECT allow('reader', 'select', 'currency_code'), allow('admin', 'insert,update,delete', 'currency_code');
SELECT watch('currency_code');
SELECT allow('reader', 'select', 'setting'), allow('admin', 'update', 'setting', but => '{id,version}');
SELECT watch('setting');
SELECT allow('reader', 'select', 'exchange_rate'), allow('controller', 'insert,update,delete', 'exchange_rate');
SELECT watch('exchange_rate');
SELECT allow('admin', 'select', 'lock_version');
