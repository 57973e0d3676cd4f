//! Envelopes, trust, release records and the install state machine.
