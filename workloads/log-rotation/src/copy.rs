//! Copies a log into its archive, compressed or not, and knows how far it came.

use crate::limits::CHUNK_BYTES;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, Read, Write};

/// Copies from where `log` stands to its end into `archive`, and returns the bytes copied once the archive's are on
/// disk. Compressed, the copy is one gzip member; members in a row are one gzip file, so a later call may append.
///
/// # Errors
/// The file system's.
pub fn to_end(log: &mut File, archive: File, compress: bool) -> io::Result<u64> {
    let (copied, archive) = if compress {
        let mut encoder = GzEncoder::new(archive, Compression::default());
        let copied = pour(log, &mut encoder)?;
        (copied, encoder.finish()?)
    } else {
        let mut archive = archive;
        (pour(log, &mut archive)?, archive)
    };
    archive.sync_all()?;
    Ok(copied)
}

fn pour(from: &mut File, to: &mut impl Write) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut total = 0;
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        to.write_all(&buffer[..n])?;
        total += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::fs::{self, OpenOptions};

    #[test]
    fn what_is_appended_later_joins_the_same_archive() {
        let dir = tempfile::tempdir().expect("a directory");
        let (log, archive) = (dir.path().join("log"), dir.path().join("archive"));
        for compress in [true, false] {
            fs::write(&log, "first ").expect("a log");
            fs::write(&archive, "").expect("an archive");
            let mut reader = File::open(&log).expect("the log");
            for (more, copied) in [("then ", 6), ("last", 5), ("", 4), ("", 0)] {
                let end = OpenOptions::new().append(true).open(&archive);
                let done = to_end(&mut reader, end.expect("the archive"), compress);
                assert_eq!(done.expect("a copy"), copied);
                let mut writer = OpenOptions::new().append(true).open(&log).expect("the log");
                writer.write_all(more.as_bytes()).expect("a line");
            }
            let mut text = String::new();
            let file = File::open(&archive).expect("the archive");
            let read = match compress {
                true => MultiGzDecoder::new(file).read_to_string(&mut text),
                false => { file }.read_to_string(&mut text),
            };
            assert_eq!(
                (read.expect("readable"), text.as_str()),
                (15, "first then last")
            );
        }
    }
}
