-- ---------------------------------------------------------------------------
-- money: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'cash_account'), allow('controller', 'insert,update,delete', 'cash_account');
SELECT watch('cash_account');
SELECT allow('reader', 'select', 'payment', columns => '{id}'),
       allow('clerk', 'select', 'payment', but => '{amount,employee_id,purpose,made_from}'),
       -- what settles without money is written by write_off(), net_out() and open_balances()
       allow('clerk', 'insert,update', 'payment', but => '{revision,made_from,contra}'),
       allow('clerk', 'delete', 'payment'),
       allow('controller', 'select', 'payment');
SELECT watch('payment');
