"""What several test rooms need: real Postgres clusters, a real server, real users."""
