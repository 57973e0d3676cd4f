//! The composition root (being assembled).
pub mod report;
