"""Tests of the server wing: real Postgres, real HTTP."""
