//! Rotates and compresses the logs of a directory that was granted for writing.
