//! Images as their files have them: decoded within limits, turned as their EXIF data says, without transparency.

use crate::error::Wrong;
use crate::limits::{DECODED_BYTES, IMAGE_BYTES, PIXELS};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
};
use std::io::Cursor;

/// What is read, as media types.
pub const FORMATS: &[&str] = &["image/png", "image/jpeg", "image/webp"];

/// The image in a file, as a person sees it. Of a moving one the first picture.
///
/// # Errors
/// When it is no image of these formats, a damaged one, or too large; its size is looked at before anything is decoded.
pub fn decode(file: &[u8]) -> Result<RgbImage, Wrong> {
    if file.len() > IMAGE_BYTES {
        return Err(Wrong::Input(format!(
            "the image has more than {} MiB; save it with fewer pixels or as JPEG",
            IMAGE_BYTES >> 20
        )));
    }
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|e| damaged(&e.into()))?;
    let format = match reader.format() {
        Some(known @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => known,
        _ => {
            let why = "it is no PNG, JPEG or WebP image; convert it to one of them";
            return Err(Wrong::Input(why.into()));
        }
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| damaged(&e))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Wrong::Input("the image has no pixels".into()));
    }
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(Wrong::Input(format!(
            "the image has {width} x {height} pixels, {PIXELS} are read at most; make it smaller, or cut it"
        )));
    }
    if format == ImageFormat::Jpeg && !has_end(file) {
        return Err(Wrong::Input(
            "the image is damaged: it ends too early".into(),
        ));
    }
    let orientation = decoder.orientation().map_err(|e| damaged(&e))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|e| damaged(&e))?;
    image.apply_orientation(orientation);
    Ok(match image.color().has_alpha() {
        true => opaque(&image),
        false => image.into_rgb8(),
    })
}

fn damaged(e: &ImageError) -> Wrong {
    Wrong::Input(match e {
        ImageError::Limits(_) => {
            "the image takes too much memory; make it smaller, or cut it".to_owned()
        }
        other => format!("the image is damaged: {other}"),
    })
}

/// Whether a JPEG file has an end after its last scan: its decoder fills what is missing with grey and says nothing.
fn has_end(file: &[u8]) -> bool {
    let last = |marker: [u8; 2]| file.windows(2).rposition(|bytes| bytes == marker);
    last([0xff, 0xd9]) > last([0xff, 0xda])
}

/// The picture before a ground that what is drawn differs from: white, or black where it is light.
fn opaque(image: &DynamicImage) -> RgbImage {
    let image = image.to_rgba8();
    let (mut light, mut weight) = (0_u64, 0_u64);
    for pixel in image.pixels() {
        let [r, g, b, a] = pixel.0.map(u64::from);
        light += (r + g + b) * a;
        weight += 3 * a;
    }
    let ground = if light > 160 * weight { 0_u32 } else { 255 };
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, a] = image.get_pixel(x, y).0.map(u32::from);
        Rgb([r, g, b].map(|value| ((value * a + ground * (255 - a)) / 255) as u8))
    })
}
