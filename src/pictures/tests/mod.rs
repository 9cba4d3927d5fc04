//! Tests of the engine. The pictures are drawn by [`samples`].

mod facts;
mod file_types;
mod fuzz;
mod hostile;
mod masters;
mod profiles;
mod references;
mod samples;
mod strips;
mod svgs;
mod variants;
