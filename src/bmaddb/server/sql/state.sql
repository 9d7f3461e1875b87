-- What the machinery remembers. Nothing here is reachable by a client, but through the functions beside it.
create schema if not exists bmad_sync;
create schema if not exists bmad;

-- One row: which timeline this is, and what is installed.
create table if not exists bmad_sync.state (
  only_row boolean primary key default true check (only_row),
  epoch text not null,
  base_version bigint not null default 0,
  schema_version int not null,
  fingerprint text not null,
  installed_at timestamptz not null default now()
);

-- The synced tables by number; the number stands in triggers, tombstones and heads.touched, and never changes.
create table if not exists bmad_sync.tables (
  number smallint primary key,
  place smallint not null, -- parents before children
  name text not null unique,
  scope text not null,
  writable boolean not null,
  deletable boolean not null,
  read_columns text[] not null,
  write_columns text[] not null,
  server_columns text[] not null,
  types jsonb not null, -- column -> the JSON type a client sends
  kinds jsonb not null, -- column -> its kind
  fallbacks jsonb not null -- column -> what null becomes on the WatermelonDB door
);
-- Column of rule IMM -> may a client at least set it to null, because its parent is gone?
alter table bmad_sync.tables add column if not exists fixed jsonb not null default '{}';

-- One row per scope (a user, or all zeros for the catalogue): the last version given out.
-- The lock on this row, held until commit, is what makes versions appear in the order they were given.
create table if not exists bmad_sync.heads (
  scope uuid primary key,
  version bigint not null,
  touched bigint[] not null default '{}',
  floor bigint not null default 0,
  lost int8multirange not null default '{}',
  constraint cursor_fits check (version < case scope when '00000000-0000-0000-0000-000000000000' then 1 << 21 else 1::bigint << 32 end)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
-- The transaction that took the last version, and where the head stood before it took its first.
alter table bmad_sync.heads add column if not exists holder xid8, add column if not exists since bigint;

create table if not exists bmad_sync.tombstones (
  scope uuid not null,
  tab smallint not null,
  id text collate "C" not null,
  version bigint not null,
  buried_at timestamptz not null default clock_timestamp(),
  primary key (scope, tab, id)
);
create index if not exists tombstones_by_version on bmad_sync.tombstones (scope, version);
create index if not exists tombstones_by_age on bmad_sync.tombstones (buried_at);

create table if not exists bmad_sync.devices (
  user_id uuid not null,
  device_id text collate "C" not null,
  last_number bigint not null default 0,
  settled bigint not null default 0,
  schema_version int not null,
  seen_at timestamptz not null default now(),
  primary key (user_id, device_id)
);

-- Answers a device may not have heard yet. `versions` are those given out for its own rows, side effects excluded.
create table if not exists bmad_sync.answers (
  user_id uuid not null,
  device_id text collate "C" not null,
  number bigint not null,
  answer json not null,
  versions bigint[] not null,
  primary key (user_id, device_id, number),
  foreign key (user_id, device_id) references bmad_sync.devices on delete cascade
);
alter table bmad_sync.answers add column if not exists hlc text collate "C"; -- the entry's stamp

-- Which function carries out requests of a kind; whoever runs the server says so with bmad_sync.handle_requests.
create table if not exists bmad_sync.request_kinds (
  kind text collate "C" primary key,
  handler text not null -- as Postgres quotes it
);

-- What a user asked for under a key. `answer` is null as long as it has had no effect.
create table if not exists bmad_sync.requests (
  user_id uuid not null,
  kind text collate "C" not null,
  key text collate "C" not null,
  digest text not null, -- of the payload
  round int not null default 0, -- a later one reopens what had no effect
  attempts int not null default 0,
  answer json,
  asked_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (user_id, kind, key)
);

do $$
declare
  name text;
begin
  foreach name in array array['state', 'tables', 'heads', 'tombstones', 'devices', 'answers', 'request_kinds', 'requests'] loop
    execute format('alter table bmad_sync.%I enable row level security', name);
    execute format('alter table bmad_sync.%I force row level security', name);
    execute format('drop policy if exists machinery on bmad_sync.%I', name);
    execute format('create policy machinery on bmad_sync.%I to current_user using (true) with check (true)', name);
  end loop;
end
$$;
