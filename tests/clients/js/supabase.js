// The unmodified @supabase/supabase-js, calling functions.
'use strict'

const { serve } = require('./lines')
const { createClient } = require('@supabase/supabase-js')
const ws = require('ws')

const clients = new Map()

/** `key` is the project's key; `token`, when given, is the signed-in user's. */
function connect({ client, url, key, token }) {
  const options = {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    realtime: { transport: ws }, // Node 20 has no WebSocket of its own
  }
  if (token) options.accessToken = async () => token
  clients.set(client, createClient(url, key, options))
}

/** What the library answers: data or error, and the status. */
async function rpc({ client, name, args }) {
  const { data, error, status } = await clients.get(client).rpc(name, args)
  return { data, error, status }
}

function reset() {
  clients.clear()
}

serve({ connect, reset, rpc })
