// TinyBase: a store in memory, with an index by user and state that is kept in the order of the days.
'use strict'

const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { serve, pagesOf, ear } = require('./harness')
const { USER, idOf, rowsOf, changesOf } = require('./rows')

const SLICE = `${USER} todo`
let tiny = null
let open = null

const part = (name) => import(pathToFileURL(join(process.env.NODE_PATH, 'tinybase', name, 'index.js')))

async function load() {
  const [store, indexes, queries] = await Promise.all(['store', 'indexes', 'queries'].map(part))
  tiny = { ...store, ...indexes, ...queries }
}

const put = (rows) => {
  open.store.transaction(() => {
    for (const { id, ...cells } of rows) open.store.setRow('tasks', id, cells)
  })
}

/** Ids of a slice stand in the order of the day; rows of one day in that of their coming, which is that of the ids. */
function listed(since, limit) {
  const { store, indexes } = open
  const ids = indexes.getSliceRowIds('by_state', SLICE)
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (store.getCell('tasks', ids[middle], 'due_on') < since) low = middle + 1
    else high = middle
  }
  return ids.slice(low, low + limit).map((id) => ({ id, ...store.getRow('tasks', id) }))
}

const withoutNulls = (row) => {
  for (const name in row) if (row[name] === null) delete row[name]
  return row
}

serve({
  open: async () => {
    if (tiny === null) await load()
    const store = tiny.createStore()
    const indexes = tiny.createIndexes(store)
    indexes.setIndexDefinition('by_state', 'tasks', (cell) => `${cell('user_id')} ${cell('state')}`, 'due_on')
    open = { store, indexes }
  },
  reopen: () => {},
  close: () => {
    open = null
  },
  totals: () => {
    const rows = Object.values(open.store.getTable('tasks'))
    const sum = (name) => rows.reduce((total, row) => total + row[name], 0)
    return [rows.length, sum('estimate_min'), sum('priority'), rows.filter((row) => row.title.startsWith('changed')).length]
  },

  insert_many: ({ first, count }) => {
    const rows = rowsOf(first, count)
    return () => {
      put(rows)
      return count
    }
  },
  insert_singly: ({ first, count }) => {
    const rows = rowsOf(first, count)
    return () => {
      for (const { id, ...cells } of rows) open.store.setRow('tasks', id, cells)
      return count
    }
  },
  read: ({ indexes }) => () => {
    for (const index of indexes) open.store.getRow('tasks', idOf(index))
    return indexes.length
  },
  listing: ({ since, limit }) => () => {
    for (const day of since) listed(day, limit)
    return since.length
  },
  update: ({ indexes }) => () => {
    for (const [turn, index] of indexes.entries()) open.store.setPartialRow('tasks', idOf(index), changesOf(turn))
    return indexes.length
  },
  observe: ({ since, limit, days }) => {
    const { store } = open
    const first = listed(since, limit)
    const queries = tiny.createQueries(store)
    queries.setQueryDefinition('live', 'tasks', ({ select, where }) => {
      for (const name of Object.keys(first[0])) select(name)
      where('user_id', USER)
      where('state', 'todo')
      where((cell) => cell('due_on') >= since)
    })
    const { wait, hear } = ear()
    queries.addResultTableListener('live', () => {
      const ids = queries.getResultSortedRowIds('live', 'due_on', false, 0, limit)
      hear(ids.map((id) => queries.getResultRow('live', id)))
    })
    return async () => {
      for (const [turn, day] of days.entries()) {
        const heard = wait(`seen ${turn}`)
        store.setPartialRow('tasks', first[turn % 20].id, { title: `seen ${turn}`, due_on: day })
        await heard
      }
      queries.destroy()
      return days.length
    }
  },
  pull: ({ path }) => {
    const pages = pagesOf(path)
    return () => {
      for (const page of pages) put(JSON.parse(page).map(withoutNulls))
      return open.store.getRowCount('tasks')
    }
  },
})
