//! Headers of GIF.

use super::{Found, JpegTraits, MetadataCount, Probe, check_size};
use crate::pictures::containers::gif::{Blocks, GRAPHIC_CONTROL, Kind};
use crate::pictures::exif::Exif;
use crate::pictures::file_type::FileType;
use crate::pictures::limits::Limits;
use crate::pictures::refused::Refused;

/// Reads all blocks, up to and with the trailer. Every frame is held against the limit of pixels.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Refused> {
    let mut blocks = Blocks::new(bytes)?;
    let (width, height) = (u32::from(blocks.size.0), u32::from(blocks.size.1));
    check_size(width, height, limits)?;
    let mut metadata = MetadataCount::new(limits);
    let mut frames = 0;
    let mut first_frame = 0;
    for block in &mut blocks {
        let block = block?;
        match block.kind {
            Kind::Image { width, height } => {
                let (width, height) = (u32::from(width), u32::from(height));
                check_size(width, height, limits)?;
                frames += 1;
                if frames == 1 {
                    first_frame = u64::from(width) * u64::from(height);
                }
            }
            Kind::Extension(GRAPHIC_CONTROL) | Kind::Trailer => {}
            Kind::Extension(_) => metadata.add(&bytes[block.whole])?,
        }
    }
    if frames == 0 {
        return Err(Refused::damaged("no pixels"));
    }
    let found = Found {
        file_type: FileType::Gif,
        width,
        height,
        exif: Exif::default(),
        frames,
        icc: None,
        channels: 4,
        // A byte for each pixel of the first frame, as an index of a colour.
        decoder_bytes: first_frame,
    };
    Ok(found.complete(true, JpegTraits::default()))
}
