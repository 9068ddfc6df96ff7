"""The tables on disk: their columns, the parts of finished trials, and what a run's folder merges them into."""
