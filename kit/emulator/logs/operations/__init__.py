"""One file per operation; a new one is a copy of a sibling."""
