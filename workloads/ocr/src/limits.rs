//! What is read and computed at most, and what the models were trained with, each with its unit.

/// The file of an image, in bytes.
pub const IMAGE_BYTES: usize = 32 * 1024 * 1024;
/// Pixels of an image: a sheet of A4 at 600 dots per inch has 35 million.
pub const PIXELS: u64 = 40_000_000;
/// What decoding an image may take, in bytes.
pub const DECODED_BYTES: u64 = 512 * 1024 * 1024;
/// A file of a model, in bytes.
pub const NETWORK_BYTES: u64 = 256 * 1024 * 1024;
/// A list of characters, in bytes.
pub const CHARACTERS_BYTES: u64 = 1024 * 1024;
/// Longer side in pixels that a page is made smaller to.
pub const LONG_SIDE: u32 = 2_000;
/// Shorter side in pixels that text is looked for at: a smaller page is made larger for that.
pub const SHORT_SIDE: u32 = 736;
/// How much longer one side of a page is than the other before the other is widened.
pub const ASPECT: u32 = 8;
/// Shorter side in pixels at or below which a page is widened.
pub const THIN: u32 = 30;
/// What the sides of the network's input are multiples of, in pixels.
pub const STEP: u32 = 32;
/// Probability above which a pixel belongs to text.
pub const TEXT: f32 = 0.3;
/// Mean probability of a region that is text.
pub const REGION: f32 = 0.5;
/// How much a region is widened: its area by its outline, times this.
pub const UNCLIP: f32 = 1.6;
/// Regions of one page; the ones further down are left out.
pub const REGIONS: usize = 1_000;
/// Sides in pixels that a region has at least, before and after it is widened.
pub const REGION_SIDE: f32 = 3.0;
/// Height of a line as the networks read it, in pixels.
pub const LINE_HEIGHT: u32 = 48;
/// Width at which its angle is looked at, in pixels.
pub const ANGLE_WIDTH: u32 = 192;
/// Probability above which a line stands on its head.
pub const ANGLE: f32 = 0.9;
/// Width at which a line is read, in pixels: at least, and at most, where a longer one is squeezed.
pub const LINE_WIDTH: [u32; 2] = [320, 6_400];
