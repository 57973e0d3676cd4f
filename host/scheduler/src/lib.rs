//! Task life cycle: step(now, input) -> effects.
