// A long-lived driver: one JSON object per line in, one per line out.
//
//   in   {"id": 1, "command": "open", ...arguments}
//   out  {"id": 1, "result": ...}   or   {"id": 1, "error": {"name", "message", ...}}
//        {"id": 1, "waiting": "push"}  while a command waits for {"id": 2, "command": "resume", "of": 1}
//
// Commands run at the same time when the caller sends them so. What a library says on the console is
// collected, because several of WatermelonDB's complaints about a server are only console messages.
'use strict'

const readline = require('node:readline')

const said = []
for (const level of ['warn', 'error']) {
  console[level] = (...words) => said.push(`${level}: ${words.map(String).join(' ')}`)
}
console.log = console.info = console.debug = () => {}

/** What the console was told since the last call. */
function takeSaid() {
  return said.splice(0)
}

const resumptions = new Map()

function send(line) {
  process.stdout.write(JSON.stringify(line) + '\n')
}

function described(error) {
  return { name: error.name, message: error.message, ...error.details }
}

/** Tells the caller that command `id` waits at `place`, and waits until it says `resume`. */
function wait(id, place) {
  return new Promise((resolve) => {
    resumptions.set(id, resolve)
    send({ id, waiting: place })
  })
}

async function answer(commands, { id, command, ...args }) {
  try {
    const run = Object.hasOwn(commands, command) ? commands[command] : null
    if (!run) throw new Error(`no such command: ${command}`)
    const result = await run({ ...args, id })
    send({ id, result: result === undefined ? null : result })
  } catch (error) {
    send({ id, error: described(error) })
  }
}

/** Serves `commands` (name -> function of the arguments) until stdin ends. */
function serve(commands) {
  const all = {
    ...commands,
    resume: ({ of }) => {
      const resume = resumptions.get(of)
      resumptions.delete(of)
      resume()
    },
  }
  readline
    .createInterface({ input: process.stdin, crlfDelay: Infinity })
    .on('line', (line) => answer(all, JSON.parse(line)))
    .on('close', () => process.exit(0))
}

module.exports = { serve, takeSaid, wait }
