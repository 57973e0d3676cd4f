//! Membership, governance, credits: a pure fold over signed events.
