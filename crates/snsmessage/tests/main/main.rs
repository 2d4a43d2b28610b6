//! Deliveries as SNS makes them, and as others do.

mod authority;
mod case;
mod documented;
mod forgeries;
mod genuine;
mod memory;
