//! Check, compile, link, limit and call components.
