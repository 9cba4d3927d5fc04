//! The private PostgreSQL: starts and crashes. Linux only, because the tests read /proc.

mod crashes;
mod program_folders;
mod programs;
mod starting;
