"""What the tables say: estimates, intervals and rankings, from the tables alone (no torch, no ray)."""
