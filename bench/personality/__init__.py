"""Is a type worth anything to a database? Traces, policies, replays, statistics, plots and the report."""
