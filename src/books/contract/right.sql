-- ---------------------------------------------------------------------------
-- contract: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'contract'), allow('manager', 'insert,update,delete', 'contract');
SELECT watch('contract');
SELECT allow('reader', 'select', 'contract_line'), allow('manager', 'insert,update,delete', 'contract_line');
SELECT watch('contract_line');
SELECT allow('reader', 'select', 'band_rule'), allow('manager', 'insert,update,delete', 'band_rule');
SELECT watch('band_rule');
SELECT allow('reader', 'select', 'allotment'),
    allow('manager', 'update', 'allotment', columns => '{priority,scope_work_types}');
SELECT watch('allotment');
SELECT allow('reader', 'select', 'billing_period');
SELECT watch('billing_period', 'changes');
