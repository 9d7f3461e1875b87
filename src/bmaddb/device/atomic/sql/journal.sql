-- The operation journal, as the engine writes it.
-- name: put
-- The whole line of an operation, or many of them; one that was tried before is replaced. That a local one failed is
-- noted after its transaction is undone: what another process has done meanwhile under the same id stands.
insert into operation_journal
  (id, op_type, rollback_strategy, status, steps, checks, compensations, error, started_at, finished_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (id) do update set
  op_type = excluded.op_type, rollback_strategy = excluded.rollback_strategy, status = excluded.status,
  steps = excluded.steps, checks = excluded.checks, compensations = excluded.compensations,
  error = excluded.error, started_at = excluded.started_at, finished_at = excluded.finished_at
where excluded.status <> 'rolled_back' or operation_journal.status = 'rolled_back'
  or excluded.rollback_strategy = 'compensating_transactions'
-- name: unfinished
-- The operations of which something may have to be undone, the oldest first.
select id from operation_journal
where status in ('running', 'compensating')
order by started_at, id
limit ?1
-- name: settle
-- How far the compensations are.
update operation_journal set status = ?2, compensations = ?3, finished_at = ?4 where id = ?1
-- name: tried
-- Which of these ids (a JSON list) have a line.
select id from operation_journal where id in (select value from json_each(?1))
