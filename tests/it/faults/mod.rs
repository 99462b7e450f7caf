//! What the engine survives: each of its actors may die at any point.

mod crashes;
