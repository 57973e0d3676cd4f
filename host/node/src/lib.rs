//! Composition root: carries effects between the rooms.
