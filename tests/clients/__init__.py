"""The clients that exist already, unmodified, driven from outside: WatermelonDB, supabase-js, supabase-py."""

import pytest

pytest.register_assert_rewrite("tests.clients.rpc_exam", "tests.clients.truth")
