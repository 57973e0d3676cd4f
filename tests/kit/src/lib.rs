//! Helpers for tests: builds guests, makes homes.
