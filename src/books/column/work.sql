-- ---------------------------------------------------------------------------
-- columns: logged work, what became of it, and what it is charged
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
adjustment_id: the charge that takes discount and included tax off; of a credit note's line the one that bills again
    what it takes back; a row of charge
adjusts_id: the charge that this one writes off or up
charge.adjusts_id: the charge that a write-off or write-up changes
after_close: did it come after its period was closed?
allotment_id: the allotment that the work draws on, a row of allotment
approved_at: when the work was approved
approved_by: who approved the work, as actor() names them
base_amount: amount in the base currency of the books
base_cost: cost in the base currency of the books, NULL where it is not known
base_cost_rate: cost of an hour in the base currency of the books
base_id: the base contract of the group
base_rate: how much of the base currency one unit of the currency was worth on the day
billable_s: billed seconds set by hand, in place of the rules
billed_s: billed seconds
break_s: pause within the clock times, in seconds
burned: what was taken of the allotment, in its unit
by_hand: may a person take the step, or does it follow from something else?
charge_id: the charge, a row of charge
allotment.charge_id: what the block was sold for, a row of charge; NULL for what is granted, and once that is taken away
closed_at: when it was closed
closed_by: who closed it, as actor() names them
comment: what the person wrote about the work
completed_at: when the task was done
contracts_done: contracts that the run is done with
contracts_refused: contracts that the run could not close
contracts_total: contracts that the run has to close
cost_rate: cost of an hour in the contract's currency
coverage: billable, or why it costs nothing: included, prepaid, capped, no_charge, non_billable
doubled_s: seconds that were logged twice
duration_s: worked seconds, where they are not told by the clock
ended_at: when the work ended
excess_s: seconds that are more than the day has
found_at: when it was found
frozen_at: when it was frozen and posted, NULL while it is provisional
line_period: first day of the service period that a fee or stage of a contract line is for, closed or not
made_by: what made it: rating (of work), line (a fee or stage of the contract), task_item (the fixed price of a
 task), block (prepaid hours), minimum (what a period lacked), document (what it took off its charges), user (a call)
held_by: the sent report that keeps it unchanged until the client answers, a row of document
on_day: day of the work, by the clock of the person
other_ended_at: when the other work ended
other_entry_id: the other entry, a row of time_entry
other_started_at: when the other work began
other_task: title of the other task
other_task_id: the other task, a row of task
override_reason: why the entry's own price, disposition or length holds
period_end: the first day after the period
period_start: first day of the service period
charge.period_start: first day of the service period in which it is billed; later than service_date's own for late
    work
price_source: list and position that gave the price
price_id: position of a price list that gave the price, as its id was then; no foreign key: it may be deleted since
why: why it is so, as values with stable keys, NULL where there is nothing to tell; charge_reason() says it in words
rejected_at: when it was turned away
remaining_s: seconds left of allotments that can be drawn on now
reverses_id: what it takes back
charge.reverses_id: the charge that it takes back
event.reverses_id: the event that it takes back
committed: is it frozen or held, so that rating leaves it as it is?
rating_problem.contract_id: the base contract it was last charged by, a row of contract; NULL: none; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.employee_id: whose work that was, a row of employee; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.price_list_id: the price list it was then priced by, a row of price_list; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.project_id: the project it was then in, a row of project; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.role: the role it was then priced in
rating_problem.terms_id: the terms it was then priced by, a row of terms; no foreign key:
    it is a memory, and may be of what is gone
service_date: day on which the work was done, in the contract's zone
charge.service_date: day on which the work was done, in the contract's zone
stamped_at: when the snapshot was made
started_at: when the work began
billing_progress.started_at: when the run began
terms_id: the snapshot of terms it was rated by, a row of terms
terms_source.terms_id: the terms that are made of them, a row of terms
charge.terms_id: the terms by which it was rated, a row of terms, which are never changed or deleted; no foreign
    key: each one costs a bulk load a twentieth
time_entry_id: the time entry, a row of time_entry
charge.time_entry_id: the work it is for; checked at the end of the transaction, since what is deleted is needed to
    rate what followed it
voided_at: when it was taken back
work_date: local day of the work
work_id: the charge of the line, of which this one may be the discount or included tax
worked_s: worked seconds
$words$);
