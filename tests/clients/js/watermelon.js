// Devices of the unmodified WatermelonDB: its models, its LokiJS adapter (in memory), its synchronize().
// Everything of ours stands outside the library: fetch, faults in fetch, and a look into the Loki file.
'use strict'

const { serve, takeSaid, wait } = require('./lines')
const { Database, Model, appSchema, tableSchema } = require('@nozbe/watermelondb')
const { default: LokiJSAdapter } = require('@nozbe/watermelondb/adapters/lokijs')
const { addColumns, createTable, schemaMigrations } = require('@nozbe/watermelondb/Schema/migrations')
const { hasUnsyncedChanges, synchronize } = require('@nozbe/watermelondb/sync')

const NEVER_MS = 2 ** 31 - 1
const devices = new Map()

// --- opening ---------------------------------------------------------------------------------------------

function plainModel(name) {
  return class extends Model {
    static table = name
    static associations = {}
  }
}

/** With both attributes present the library itself keeps created_at and updated_at. */
function datedModel(name) {
  return class extends plainModel(name) {
    get createdAt() {
      return new Date(this._getRaw('created_at'))
    }
    get updatedAt() {
      return new Date(this._getRaw('updated_at'))
    }
  }
}

function modelOf({ name, columns }) {
  const dated = ['created_at', 'updated_at'].every((stamp) => columns.some((column) => column.name === stamp))
  return dated ? datedModel(name) : plainModel(name)
}

function schemaOf({ version, tables }) {
  return appSchema({ version, tables: tables.map((table) => tableSchema(table)) })
}

const STEPS = { create_table: createTable, add_columns: addColumns }

function migrationsOf(migrations) {
  if (!migrations) return undefined
  return schemaMigrations({
    migrations: migrations.map(({ toVersion, steps }) => ({
      toVersion,
      steps: steps.map(({ type, ...step }) => STEPS[type](step)),
    })),
  })
}

async function start(device, adapter, schema) {
  const database = new Database({ adapter, modelClasses: schema.tables.map(modelOf) })
  devices.set(device, { adapter, database })
  await database.adapter.getLocal('any') // rejects when the adapter could not set itself up
  takeSaid() // about the adapter's options, not about the server
}

async function open({ device, schema, migrations }) {
  const adapter = new LokiJSAdapter({
    dbName: device,
    schema: schemaOf(schema),
    migrations: migrationsOf(migrations),
    useWebWorker: false,
    useIncrementalIndexedDB: false,
    extraLokiOptions: { autosaveInterval: NEVER_MS }, // saved when closed; no timer of ours to wait for
  })
  await start(device, adapter, schema)
}

/** The app is restarted with a newer schema: the library migrates the same Loki file. */
async function reopen({ device, schema, migrations }) {
  const newer = { schema: schemaOf(schema), migrations: migrationsOf(migrations) }
  await start(device, await deviceOf(device).adapter.testClone(newer), schema)
}

function deviceOf(name) {
  const device = devices.get(name)
  if (!device) throw new Error(`no such device: ${name}`)
  return device
}

function reset() {
  for (const { adapter } of devices.values()) adapter._driver.loki.close()
  devices.clear()
  takeSaid()
}

// --- reading and writing ---------------------------------------------------------------------------------

function filled(values) {
  return (record) => {
    for (const [column, value] of Object.entries(values)) {
      if (column === 'id') record._raw.id = value
      else record._setRaw(column, value)
    }
  }
}

/** Creates `rows`, each with the id it names or one the library makes; answers the ids. */
async function create({ device, table, rows }) {
  const { database } = deviceOf(device)
  const collection = database.get(table)
  return database.write(async () => {
    const records = rows.map((row) => collection.prepareCreate(filled(row)))
    await database.batch(records)
    return records.map((record) => record.id)
  })
}

async function update({ device, table, row, set }) {
  const { database } = deviceOf(device)
  await database.write(async () => (await database.get(table).find(row)).update(filled(set)))
}

async function markAsDeleted({ device, table, row }) {
  const { database } = deviceOf(device)
  await database.write(async () => (await database.get(table).find(row)).markAsDeleted())
}

async function destroyPermanently({ device, table, row }) {
  const { database } = deviceOf(device)
  await database.write(async () => (await database.get(table).find(row)).destroyPermanently())
}

/** The rows as they lie in the Loki file, those marked as deleted too, with _status and _changed. */
function dump({ device, table }) {
  const rows = deviceOf(device).adapter._driver.loki.getCollection(table).find()
  return rows.map(({ $loki, ...row }) => row)
}

/** The rows as the app sees them through a query. */
async function query({ device, table }) {
  const rows = await deviceOf(device).database.get(table).query().unsafeFetchRaw()
  return rows.map(({ $loki, _status, _changed, ...row }) => row)
}

function getLocal({ device, key }) {
  return deviceOf(device).database.adapter.getLocal(key)
}

async function setLocal({ device, key, value }) {
  await deviceOf(device).database.adapter.setLocal(key, value)
}

function unsynced({ device }) {
  return hasUnsyncedChanges({ database: deviceOf(device).database })
}

// --- sync ------------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, body) {
    super(`${status} ${JSON.stringify(body)}`)
    this.name = 'Refused'
    this.details = { status, body }
  }
}

/** fetch as an app writes it, with the faults the test asked for and a list of what was said. */
function caller({ id, url, token, lose = [], pause = [] }) {
  const spoken = []
  async function call(kind, name, args) {
    if (pause.includes(kind)) await wait(id, kind)
    const response = await fetch(`${url}/rest/v1/rpc/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', apikey: token, authorization: `Bearer ${token}` },
      body: JSON.stringify(args),
    })
    const text = await response.text()
    if (lose.includes(kind)) throw new TypeError(`the answer to ${kind} was lost`)
    const body = text === '' ? null : JSON.parse(text)
    spoken.push({ kind, status: response.status, args, body })
    if (!response.ok) throw new Refused(response.status, body)
    return body
  }
  return { call, spoken }
}

async function sync({ device, migrationsEnabledAtVersion, ...rest }) {
  const { database } = deviceOf(device)
  const { call, spoken } = caller(rest)
  const log = {}
  await synchronize({
    database,
    log,
    sendCreatedAsUpdated: true,
    migrationsEnabledAtVersion: migrationsEnabledAtVersion ?? undefined,
    pullChanges: ({ lastPulledAt, schemaVersion, migration }) => {
      const args = { last_pulled_at: lastPulledAt, schema_version: schemaVersion, migration }
      return call('pull', 'pull_changes_optimized', args)
    },
    pushChanges: ({ changes, lastPulledAt }) =>
      call('push', 'push_changes_optimized', { changes, last_pulled_at: lastPulledAt }),
  })
  return { log, spoken, said: takeSaid() }
}

serve({
  create,
  destroyPermanently,
  dump,
  getLocal,
  markAsDeleted,
  open,
  query,
  reopen,
  reset,
  setLocal,
  sync,
  unsynced,
  update,
})
