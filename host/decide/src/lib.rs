//! The decision pipeline as a pure state machine.
