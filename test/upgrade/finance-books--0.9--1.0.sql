-- What the tables of version 1.0 have other than those of 0.9.

-- Dates lie in years of four digits, as JSON writes them.
ALTER TABLE time_entry DROP CONSTRAINT time_entry_start_finite, ADD CONSTRAINT time_entry_start_year
    CHECK (started_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE time_entry DROP CONSTRAINT time_entry_end_finite, ADD CONSTRAINT time_entry_end_year
    CHECK (ended_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE time_entry DROP CONSTRAINT time_entry_date_finite, ADD CONSTRAINT time_entry_date_year
    CHECK (work_date BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document DROP CONSTRAINT document_issue_date_finite, ADD CONSTRAINT document_issue_date_year
    CHECK (issued_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document DROP CONSTRAINT document_due_date_finite, ADD CONSTRAINT document_due_date_year
    CHECK (due_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE entry DROP CONSTRAINT entry_date_finite, ADD CONSTRAINT entry_date_year
    CHECK (entry_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE payment DROP CONSTRAINT payment_date_finite, ADD CONSTRAINT payment_date_year
    CHECK (paid_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE payment DROP CONSTRAINT payment_accrual_finite, ADD CONSTRAINT payment_accrual_year
    CHECK (accrued_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE cost_rate ADD CONSTRAINT cost_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE exchange_rate ADD CONSTRAINT exchange_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE deal ADD CONSTRAINT deal_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE deal_stage ADD CONSTRAINT deal_stage_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE task ADD CONSTRAINT task_year CHECK (completed_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE contract_line ADD CONSTRAINT contract_line_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND accepted_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE allotment ADD CONSTRAINT allotment_years
    CHECK (effective_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'
           AND expires_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE period_lock ADD CONSTRAINT period_lock_year CHECK (locked_through BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE price ADD CONSTRAINT price_year
    CHECK (valid_from = '-infinity' OR valid_from BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE contract ADD CONSTRAINT contract_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document ADD CONSTRAINT document_period_years
    CHECK (period_from BETWEEN '0001-01-01' AND '9999-12-31'
           AND period_to BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document_line ADD CONSTRAINT document_line_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
