// The rows of the benchmark, as bench/peers/rows.py makes them; the totals of all peers are compared at the end.
'use strict'

const USER = '0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60'
const STATES = ['todo', 'doing', 'waiting', 'cancelled', 'done']
const NOW_MS = 1_780_000_000_000

const two = (number) => String(number).padStart(2, '0')
const idOf = (index) => `0190f3d2-0000-7000-8000-${index.toString(16).padStart(12, '0')}`

/** A whole row; columns that are null are left out. */
const rowOf = (index) => ({
  id: idOf(index),
  user_id: USER,
  created_at: NOW_MS,
  updated_at: NOW_MS,
  title: `task ${index} of the list`,
  notes: `notes about ${index} `.repeat(8),
  state: STATES[index % 5],
  priority: index % 5,
  due_on: `2026-${two((index % 12) + 1)}-${two((index % 28) + 1)}`,
  estimate_min: index % 120,
  device_seconds: '{}',
  recur_anchor: 'due',
  blocked_by: '[]',
  tag_ids: '[]',
  source: 'user',
  position: 'a0',
})

const rowsOf = (first, count) => Array.from({ length: count }, (_, index) => rowOf(first + index))
const changesOf = (turn) => ({ title: `changed ${turn}`, priority: 4 - (turn % 5), updated_at: NOW_MS + turn + 1 })

module.exports = { USER, idOf, rowsOf, changesOf }
