// The unmodified WatermelonDB with its SQLite adapter for Node (better-sqlite3), on a file in WAL mode.
'use strict'

const { Database, Model, Q, appSchema, tableSchema } = require('@nozbe/watermelondb')
const { default: SQLiteAdapter } = require('@nozbe/watermelondb/adapters/sqlite')
const { default: bridge } = require('@nozbe/watermelondb/adapters/sqlite/sqlite-node/DatabaseBridge')
const { synchronize } = require('@nozbe/watermelondb/sync')
const { serve, pagesOf, ear } = require('./harness')
const { USER, idOf, rowsOf, changesOf } = require('./rows')

const text = (name) => ({ name, type: 'string' })
const maybe = (column) => ({ ...column, isOptional: true })
const number = (name) => ({ name, type: 'number' })
const COLUMNS = [
  ...['user_id', 'title', 'state', 'device_seconds', 'recur_anchor', 'blocked_by', 'tag_ids', 'source', 'position'].map(text),
  ...['notes', 'goal_id', 'parent_task_id', 'coaching_session_id', 'due_on', 'rrule', 'series_id'].map(text).map(maybe),
  ...['created_at', 'updated_at', 'priority'].map(number),
  ...['server_seq', 'due_at', 'start_at', 'estimate_min', 'completed_at'].map(number).map(maybe),
]
const INDEXES = [
  'user_id, state, priority, due_on',
  'user_id, state, due_on',
  'goal_id, position',
  'parent_task_id',
].map((columns, place) => `create index tasks_${place} on tasks (${columns});`)

class Task extends Model {
  static table = 'tasks'
}

let open = null

async function connect(path, level) {
  const adapter = new SQLiteAdapter({
    dbName: path,
    schema: appSchema({
      version: 1,
      tables: [tableSchema({ name: 'tasks', columns: COLUMNS, unsafeSql: (sql) => sql + INDEXES.join('') })],
    }),
  })
  const database = new Database({ adapter, modelClasses: [Task] })
  await database.adapter.getLocal('any') // waits until it has set itself up
  const { instance } = bridge.connections[adapter._tag].driver.database
  instance.pragma('journal_mode = WAL') // the adapter itself leaves it at a rollback journal
  instance.pragma(`synchronous = ${level}`)
  instance.pragma('cache_size = -16384')
  open = { path, level, database, instance, tasks: database.get('tasks') }
}

const filled = (row) => (record) => Object.assign(record._raw, row)
const set = (record, changes) => {
  for (const [name, value] of Object.entries(changes)) record._setRaw(name, value)
}
const listed = (since, end) =>
  open.tasks.query(
    Q.where('user_id', USER),
    Q.where('state', 'todo'),
    Q.where('due_on', Q.gte(since)),
    Q.sortBy('due_on'),
    Q.sortBy('id'),
    Q.take(end),
  )

async function applyPage(page) {
  await synchronize({
    database: open.database,
    pullChanges: async () => ({ changes: { tasks: { created: JSON.parse(page), updated: [], deleted: [] } }, timestamp: 1 }),
    pushChanges: async () => {},
  })
}

serve({
  open: ({ path, level }) => connect(path, level),
  reopen: () => {
    open.instance.close()
    return connect(open.path, open.level)
  },
  close: () => void open.instance.close(),
  totals: () => {
    const sums = "select count(*), sum(estimate_min), sum(priority), sum(title like 'changed%') from tasks"
    return open.instance.prepare(sums).raw().get()
  },

  insert_many: ({ first, count }) => {
    const rows = rowsOf(first, count)
    return async () => {
      const { database, tasks } = open
      await database.write(() => database.batch(rows.map((row) => tasks.prepareCreate(filled(row)))))
      return count
    }
  },
  insert_singly: ({ first, count }) => {
    const rows = rowsOf(first, count)
    return async () => {
      for (const row of rows) await open.database.write(() => open.tasks.create(filled(row)))
      return count
    }
  },
  read: ({ indexes }) => async () => {
    for (const index of indexes) await open.tasks.find(idOf(index))
    return indexes.length
  },
  listing: ({ since, limit }) => async () => {
    for (const day of since) await listed(day, limit).fetch()
    return since.length
  },
  update: async ({ indexes }) => {
    const records = []
    for (const index of indexes) records.push(await open.tasks.find(idOf(index)))
    return async () => {
      for (const [turn, record] of records.entries()) {
        await open.database.write(() => record.update((task) => set(task, changesOf(turn))))
      }
      return records.length
    }
  },
  observe: async ({ since, limit, days }) => {
    const query = listed(since, limit)
    const records = await query.fetch()
    const { wait, hear } = ear()
    const live = query.observeWithColumns(['title', 'due_on']).subscribe((list) => hear(list.map(({ _raw }) => _raw)))
    return async () => {
      for (const [turn, day] of days.entries()) {
        const heard = wait(`seen ${turn}`)
        const changed = { title: `seen ${turn}`, due_on: day }
        await open.database.write(() => records[turn % 20].update((task) => set(task, changed)))
        await heard
      }
      live.unsubscribe()
      return days.length
    }
  },
  pull: ({ path }) => {
    const pages = pagesOf(path)
    return async () => {
      for (const page of pages) await applyPage(page)
      return open.tasks.query().fetchCount()
    }
  },
})
