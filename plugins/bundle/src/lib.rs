//! The default components as content.
