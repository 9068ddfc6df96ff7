"""What everything else stands on: components, registry, streams, status, errors (standard library only)."""
