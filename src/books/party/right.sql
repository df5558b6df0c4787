-- ---------------------------------------------------------------------------
-- party: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'direction'), allow('admin', 'insert,update,delete', 'direction');
SELECT watch('direction');
SELECT allow('reader', 'select', 'party'), allow('clerk', 'insert,update', 'party',
                                                 but => '{payment_terms_days,grace_days}'),
       allow('clerk', 'delete', 'party'), allow('manager', 'insert,update', 'party');
SELECT watch('party');
SELECT allow('reader', 'select', 'employee'), allow('clerk', 'insert,update', 'employee', but => '{role,party_id}'),
       allow('clerk', 'delete', 'employee'), allow('manager', 'insert,update', 'employee');
SELECT watch('employee');
SELECT allow('reader', 'select', 'employee_login'), allow('clerk', 'insert,update,delete', 'employee_login');
SELECT watch('employee_login');
SELECT allow('controller', 'select,insert,update,delete', 'cost_rate');
SELECT watch('cost_rate');
SELECT allow('reader', 'select', 'project'),
       allow('clerk', 'insert,update', 'project', but => '{price_list_id,billable}'),
       allow('clerk', 'delete', 'project'), allow('manager', 'insert,update', 'project');
SELECT watch('project');
SELECT allow('reader', 'select', 'deal'), allow('clerk', 'insert,update,delete', 'deal');
SELECT watch('deal');
SELECT allow('reader', 'select', 'deal_stage'), allow('clerk', 'insert,update,delete', 'deal_stage');
SELECT watch('deal_stage');
SELECT allow('reader', 'select', 'work_type'), allow('admin', 'insert,update,delete', 'work_type');
SELECT watch('work_type');
SELECT allow('reader', 'select', 'task'), allow('clerk', 'insert,update', 'task', but => '{contract_id,billable}'),
       allow('clerk', 'delete', 'task'),
       allow('manager', 'insert,update', 'task');
SELECT watch('task');
