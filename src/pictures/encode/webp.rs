//! WebP by libwebp. All calls into its encoder are here.

use std::slice;

use libwebp_sys::{
    WebPConfig, WebPConfigLosslessPreset, WebPEncode, WebPMemoryWrite, WebPMemoryWriter,
    WebPMemoryWriterClear, WebPMemoryWriterInit, WebPPicture, WebPPictureFree, WebPPictureImportRGB,
    WebPPictureImportRGBA,
};

use crate::pictures::pixels::{Layout, Pixels};
use crate::pictures::refused::Refused;

/// The longest side of a WebP.
const MAX_SIDE: u32 = 16_383;
/// 0 is quick, 6 is small. 4 is what libwebp and sharp take.
const METHOD: i32 = 4;
/// 0 is quick, 9 is small.
const LOSSLESS_LEVEL: i32 = 4;
const FAILED: Refused = Refused::NotEncoded("WebP");

/// Encodes RGB or RGBA with losses. Quality is 0 to 100.
pub fn encode_webp(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, Refused> {
    let mut config = WebPConfig::new().map_err(|()| FAILED)?;
    config.quality = f32::from(quality);
    config.method = METHOD;
    encode(pixels, &config)
}

/// Encodes RGB or RGBA without losses.
pub fn encode_webp_lossless(pixels: &Pixels) -> Result<Vec<u8>, Refused> {
    let mut config = WebPConfig::new().map_err(|()| FAILED)?;
    // SAFETY: the configuration is initialised.
    if unsafe { WebPConfigLosslessPreset(&raw mut config, LOSSLESS_LEVEL) } == 0 {
        return Err(FAILED);
    }
    encode(pixels, &config)
}

fn encode(pixels: &Pixels, config: &WebPConfig) -> Result<Vec<u8>, Refused> {
    if pixels.width > MAX_SIDE || pixels.height > MAX_SIDE {
        return Err(Refused::NotEncoded("a side is too long for WebP"));
    }
    let mut picture = Picture::new(pixels, config.lossless)?;
    let mut output = Output::new();
    picture.0.writer = Some(WebPMemoryWrite);
    picture.0.custom_ptr = (&raw mut output.0).cast();
    // SAFETY: configuration, picture and writer are initialised and outlive the call.
    if unsafe { WebPEncode(config, &raw mut picture.0) } == 0 {
        return Err(FAILED);
    }
    Ok(output.to_vec())
}

/// A picture of libwebp, freed when it is dropped.
struct Picture(WebPPicture);

impl Picture {
    fn new(pixels: &Pixels, lossless: i32) -> Result<Self, Refused> {
        let channels = pixels.layout.channels();
        let is_whole = pixels.data.len() == pixels.row_bytes() * pixels.height as usize;
        if !is_whole || !matches!(pixels.layout, Layout::Rgb | Layout::Rgba) {
            return Err(FAILED);
        }
        let mut picture = Self(WebPPicture::new().map_err(|()| FAILED)?);
        picture.0.use_argb = lossless;
        picture.0.width = pixels.width as i32;
        picture.0.height = pixels.height as i32;
        let import = if channels == 3 { WebPPictureImportRGB } else { WebPPictureImportRGBA };
        // SAFETY: the buffer has `height` rows of `row_bytes`, as checked above.
        let is_imported =
            unsafe { import(&raw mut picture.0, pixels.data.as_ptr(), pixels.row_bytes() as i32) } != 0;
        if is_imported { Ok(picture) } else { Err(FAILED) }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture is initialised; it is freed once.
        unsafe { WebPPictureFree(&raw mut self.0) }
    }
}

/// What libwebp has written, freed when it is dropped.
struct Output(WebPMemoryWriter);

impl Output {
    fn new() -> Self {
        let mut writer = WebPMemoryWriter { mem: std::ptr::null_mut(), size: 0, max_size: 0, pad: [0] };
        // SAFETY: the writer is a valid place to initialise.
        unsafe { WebPMemoryWriterInit(&raw mut writer) };
        Self(writer)
    }

    fn to_vec(&self) -> Vec<u8> {
        if self.0.mem.is_null() {
            return Vec::new();
        }
        // SAFETY: libwebp has written `size` bytes to `mem`.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }.to_vec()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: the writer is initialised; it is freed once.
        unsafe { WebPMemoryWriterClear(&raw mut self.0) }
    }
}
