"""The language of suites: from YAML to the trials of a plan."""
