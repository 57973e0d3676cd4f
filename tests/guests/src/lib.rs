//! Guests that misbehave, one per case.
