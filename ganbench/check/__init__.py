"""The gate: committed baselines, what may be held against them, and the verdict for people and for machines."""
