//! Compiles plugin and workload crates and encodes components.
