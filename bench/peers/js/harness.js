// One peer in a process of its own: a JSON object per line in, one per line out.
//
//   in   {"call": "open", "path", "level"} | {"call": "reopen" | "totals" | "close"} | {"call": "work", "work", ...what it needs}
//   out  {"result"} or {"error"}; of work {"wall_s", "cpu_s", "count"}
//
// A peer gives for each work a function that makes ready (not timed) and answers with the function that is timed.
'use strict'

const { createInterface } = require('node:readline')

console.log = console.warn = console.error = console.info = console.debug = () => {}

async function timed(peer, { work, ...given }) {
  const step = await peer[work](given)
  global.gc()
  const cpu = process.cpuUsage()
  const began = process.hrtime.bigint()
  const count = await step()
  const wall_s = Number(process.hrtime.bigint() - began) / 1e9
  const { user, system } = process.cpuUsage(cpu)
  return { wall_s, cpu_s: (user + system) / 1e6, count }
}

async function answer(peer, { call, ...given }) {
  try {
    const result = call === 'work' ? await timed(peer, given) : await peer[call](given)
    return { result: result ?? null }
  } catch (error) {
    return { error: error.stack }
  }
}

/** Serves `peer` until stdin ends. */
async function serve(peer) {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    process.stdout.write(JSON.stringify(await answer(peer, JSON.parse(line))) + '\n')
  }
  process.exit(0)
}

/** The pages of a pull, as they would come from a server: each the JSON text of an array of objects. */
const pagesOf = (path) => require('node:fs').readFileSync(path, 'utf8').split('\n').filter(Boolean)

/** Whoever waits is told when `hear` has been called with a list that has `title` in it. */
function ear() {
  let title, told
  return {
    wait(wanted) {
      title = wanted
      return new Promise((resolve) => (told = resolve))
    },
    hear(list) {
      if (told && list.some((row) => row.title === title)) told()
    },
  }
}

module.exports = { serve, pagesOf, ear }
