// RxDB with its storage in memory, which is the one its free edition has for Node without another database.
'use strict'

const { createRxDatabase } = require('rxdb')
const { getRxStorageMemory } = require('rxdb/plugins/storage-memory')
const { serve, pagesOf, ear } = require('./harness')
const { USER, idOf, rowsOf, changesOf } = require('./rows')

const text = (maxLength) => ({ type: 'string', maxLength })
const whole = { type: 'integer' }
const schema = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    ...{ id: text(64), user_id: text(36), state: text(10), due_on: text(10), goal_id: text(64), position: text(64) },
    ...{ parent_task_id: text(64), priority: { type: 'integer', minimum: 0, maximum: 4, multipleOf: 1 } },
    ...Object.fromEntries(
      ['title', 'notes', 'coaching_session_id', 'device_seconds', 'rrule', 'recur_anchor', 'series_id', 'blocked_by', 'tag_ids', 'source']
        .map((name) => [name, { type: 'string' }]),
    ),
    ...Object.fromEntries(
      ['created_at', 'updated_at', 'server_seq', 'due_at', 'start_at', 'estimate_min', 'completed_at'].map((name) => [name, whole]),
    ),
  },
  required: ['id', 'user_id', 'state', 'priority', 'due_on', 'position'],
  indexes: [['user_id', 'state', 'priority', 'due_on'], ['user_id', 'state', 'due_on'], ['goal_id', 'position'], ['parent_task_id']],
}

let database = null
let tasks = null
let opened = 0

const listed = (since, limit) =>
  tasks.find({
    selector: { user_id: { $eq: USER }, state: { $eq: 'todo' }, due_on: { $gte: since } },
    sort: [{ due_on: 'asc' }, { id: 'asc' }],
    limit,
  })

/** The storage puts off its work on the indexes until it is asked something. */
const settled = () => listed('2026-12-31', 1).exec()

serve({
  open: async () => {
    opened += 1
    database = await createRxDatabase({ name: `bench${opened}`, storage: getRxStorageMemory(), multiInstance: false })
    await database.addCollections({ tasks: { schema } })
    tasks = database.tasks
  },
  reopen: () => {},
  close: () => database.remove(),
  totals: async () => {
    const rows = await tasks.find().exec()
    const sum = (name) => rows.reduce((total, row) => total + row[name], 0)
    return [rows.length, sum('estimate_min'), sum('priority'), rows.filter((row) => row.title.startsWith('changed')).length]
  },

  insert_many: ({ first, count }) => {
    const rows = rowsOf(first, count)
    return async () => {
      const { error } = await tasks.bulkInsert(rows)
      if (error.length) throw new Error('rows were refused')
      await settled()
      return count
    }
  },
  insert_singly: ({ first, count }) => {
    const rows = rowsOf(first, count)
    return async () => {
      for (const row of rows) await tasks.insert(row)
      return count
    }
  },
  read: ({ indexes }) => async () => {
    for (const index of indexes) await tasks.findOne(idOf(index)).exec()
    return indexes.length
  },
  listing: ({ since, limit }) => async () => {
    for (const day of since) await listed(day, limit).exec()
    return since.length
  },
  update: async ({ indexes }) => {
    const found = []
    for (const index of indexes) found.push(await tasks.findOne(idOf(index)).exec())
    return async () => {
      for (const [turn, task] of found.entries()) await task.incrementalPatch(changesOf(turn))
      return found.length
    }
  },
  observe: async ({ since, limit, days }) => {
    const query = listed(since, limit)
    const found = await query.exec()
    const { wait, hear } = ear()
    const live = query.$.subscribe(hear)
    return async () => {
      for (const [turn, day] of days.entries()) {
        const heard = wait(`seen ${turn}`)
        await found[turn % 20].incrementalPatch({ title: `seen ${turn}`, due_on: day })
        await heard
      }
      live.unsubscribe()
      return days.length
    }
  },
  pull: ({ path }) => {
    const pages = pagesOf(path)
    return async () => {
      let count = 0
      for (const page of pages) {
        const { success, error } = await tasks.bulkUpsert(JSON.parse(page))
        if (error.length) throw new Error('rows were refused')
        count += success.length
      }
      await settled()
      return count
    }
  },
})
