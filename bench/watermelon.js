// The unmodified WatermelonDB (LokiJS adapter, in memory) as a peer: a first sync, then one changed column of one row.
'use strict'

const { Database, Model, appSchema, tableSchema } = require('@nozbe/watermelondb')
const { default: LokiJSAdapter } = require('@nozbe/watermelondb/adapters/lokijs')
const { synchronize } = require('@nozbe/watermelondb/sync')

const { url, token, schema } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const say = console.log
for (const word of ['log', 'warn', 'error', 'debug']) console[word] = () => {}
let requests = 0
let up = 0
let down = 0

async function call(name, args) {
  const body = JSON.stringify(args)
  const response = await fetch(`${url}/rest/v1/rpc/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'identity', authorization: `Bearer ${token}` },
    body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${name}: ${response.status} ${text}`)
  requests += 1
  up += Buffer.byteLength(body)
  down += Buffer.byteLength(text)
  return JSON.parse(text)
}

async function measured(work) {
  requests = up = down = 0
  const began = performance.now()
  await work()
  return { seconds: (performance.now() - began) / 1000, requests, up, down }
}

const sync = (database) =>
  synchronize({
    database,
    sendCreatedAsUpdated: true,
    pullChanges: ({ lastPulledAt, schemaVersion, migration }) =>
      call('pull_changes_optimized', { last_pulled_at: lastPulledAt, schema_version: schemaVersion, migration }),
    pushChanges: ({ changes, lastPulledAt }) => call('push_changes_optimized', { changes, last_pulled_at: lastPulledAt }),
  })

async function main() {
  const modelClasses = schema.tables.map(({ name }) => class extends Model { static table = name })
  const adapter = new LokiJSAdapter({
    dbName: 'bench',
    schema: appSchema({ version: schema.version, tables: schema.tables.map((table) => tableSchema(table)) }),
    useWebWorker: false,
    useIncrementalIndexedDB: false,
    extraLokiOptions: { autosaveInterval: 2 ** 31 - 1 },
  })
  const database = new Database({ adapter, modelClasses })
  const entries = database.get('journal_entries')
  const first = await measured(() => sync(database))
  const rows = await entries.query().fetchCount()
  const [entry] = await entries.query().fetch()
  await database.write(() => entry.update((raw) => { raw._setRaw('title', 'another title') }))
  const change = await measured(async () => { await sync(database); await sync(database) })
  say(JSON.stringify({ rows, first, change }))
  process.exit(0)
}

main()
