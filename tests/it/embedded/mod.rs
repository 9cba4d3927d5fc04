//! The private PostgreSQL: how it starts, and what it survives. Linux only: it looks into /proc.

mod crashes;
mod starting;
