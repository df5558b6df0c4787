-- ---------------------------------------------------------------------------
-- work: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'task_item'), allow('manager', 'insert,update,delete', 'task_item');
SELECT watch('task_item');
SELECT allow('reader', 'select', 'time_entry'),
       allow('clerk', 'insert,update', 'time_entry',
             but => ARRAY['contract_id', 'billable', 'billable_s', 'price', 'override_reason',
                          'approved_at', 'approved_by', 'created_at', 'created_by']),
       allow('clerk', 'delete', 'time_entry'),
       allow('manager', 'insert,update', 'time_entry', but => '{approved_at,approved_by,created_at,created_by}');
SELECT watch('time_entry', 'changes');
SELECT allow('reader', 'select', 'rejected_entry'), allow('clerk', 'delete', 'rejected_entry');
