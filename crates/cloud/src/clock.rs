//! Virtual time, which moves only when everybody waits.
