//! Integration tests: what crosses the rooms. Everything is in `tests/`.
