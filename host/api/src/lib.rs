//! Local API: one Request/Response enum, used in-process and over a Unix socket.
