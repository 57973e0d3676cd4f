//! CAR files: what is written is read, a known file reads, and whatever a stranger writes stays within the limits.

use proptest::prelude::*;
use std::io::{self, Read};
use weft_model::content::{self, DAG_CBOR, DAG_PB, RAW};
use weft_model::{Cid, cbor};
use weft_release::car::{CarError, CarReader, CarWriter, Limits};
use weft_release::limits::{CAR_BLOCK_BYTES, CAR_ROOTS};

type Blocks = Vec<(Cid, Vec<u8>)>;

fn write(roots: &[Cid], blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut writer = CarWriter::new(Vec::new(), roots).expect("few roots");
    for (cid, bytes) in blocks {
        writer.block(cid, bytes).expect("memory");
    }
    let (bytes, count) = writer.finish().expect("memory");
    assert_eq!(bytes.len() as u64, count);
    bytes
}

fn read(input: impl Read, limits: Limits) -> Result<(Vec<Cid>, Blocks), CarError> {
    let mut reader = CarReader::new(input, limits)?;
    let mut blocks = Vec::new();
    while let Some((cid, bytes)) = reader.next_block()? {
        blocks.push((cid, bytes.to_vec()));
    }
    Ok((reader.roots().to_vec(), blocks))
}

fn raw(bytes: &[u8]) -> (Cid, Vec<u8>) {
    (content::raw_cid(bytes), bytes.to_vec())
}

/// A section: its length, then its bytes.
fn section(bytes: &[u8]) -> Vec<u8> {
    let mut buffer = unsigned_varint::encode::u64_buffer();
    let mut out = unsigned_varint::encode::u64(bytes.len() as u64, &mut buffer).to_vec();
    out.extend(bytes);
    out
}

/// An empty CAR file and one section more.
fn with_section(bytes: &[u8]) -> Vec<u8> {
    [write(&[], &[]), section(bytes)].concat()
}

/// A CID of sha2-256 with any codec, or of another hash.
fn cid_bytes(codec: u8, hash: u8, digest: &[u8]) -> Vec<u8> {
    [&[1, codec, hash, digest.len() as u8], digest].concat()
}

#[test]
fn the_header_is_that_of_other_tools() {
    let root: Cid = "bafybeihd4yzq7n5umhjngdum4r6k2to7egxfkf2jz6thvwzf6djus22cmq"
        .parse()
        .expect("a CID");
    let written = write(&[root], &[]);
    // As ipfs-car 3.1.0 begins its file: length 58, {"roots": [42(h'00…')], "version": 1}.
    assert_eq!(written.len(), 59);
    assert_eq!(
        &written[..15],
        b"\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25\x00\x01"
    );
    assert_eq!(&written[50..], b"\x67version\x01");
}

#[test]
fn every_refusal_has_its_error() {
    type Is = fn(&CarError) -> bool;
    let good = write(&[], &[raw(b"abc")]);
    let digest = content::raw_cid(b"abc").hash().digest().to_vec();
    let header = |roots: Vec<Cid>, version: u64| {
        let map = std::collections::BTreeMap::from([
            (
                "roots",
                ipld_core::ipld::Ipld::List(roots.into_iter().map(Into::into).collect()),
            ),
            ("version", ipld_core::ipld::Ipld::Integer(version.into())),
        ]);
        section(&cbor::encode(&map).expect("CBOR"))
    };
    let identity = Cid::read_bytes(&cid_bytes(RAW as u8, 0, b"abc")[..]).expect("a CID");
    let v0 = Cid::new_v0(*content::raw_cid(b"abc").hash()).expect("sha2-256");
    let cases: Vec<(&str, Vec<u8>, Is)> = vec![
        ("nothing", vec![], |e| matches!(e, CarError::CutOff { .. })),
        (
            "a header without end",
            [vec![58], vec![0; 20]].concat(),
            |e| matches!(e, CarError::CutOff { .. }),
        ),
        ("a header of a GiB", vec![0x80, 0x80, 0x80, 0x80, 4], |e| {
            matches!(e, CarError::HeaderTooLarge { .. })
        }),
        ("a length without end", vec![0xff; 12], |e| {
            matches!(e, CarError::BadLength { .. })
        }),
        ("a header of no bytes", vec![0], |e| {
            matches!(e, CarError::BadLength { .. })
        }),
        ("no CBOR", section(b"hello"), |e| {
            matches!(e, CarError::BadHeader { .. })
        }),
        ("version 2", header(vec![], 2), |e| {
            matches!(e, CarError::WrongVersion { found: 2 })
        }),
        (
            "version 2 as written",
            section(b"\xa1\x67version\x02"),
            |e| matches!(e, CarError::WrongVersion { found: 2 }),
        ),
        ("an identity root", header(vec![identity], 1), |e| {
            matches!(e, CarError::WrongHash { code: 0, .. })
        }),
        ("a root of version 0", header(vec![v0], 1), |e| {
            matches!(e, CarError::BadCid { .. })
        }),
        (
            "too many roots",
            header(vec![content::raw_cid(b""); CAR_ROOTS + 1], 1),
            |e| matches!(e, CarError::TooManyRoots { .. }),
        ),
        ("a cut block", good[..good.len() - 1].to_vec(), |e| {
            matches!(e, CarError::CutOff { .. })
        }),
        ("a padded end", [good.clone(), vec![0]].concat(), |e| {
            matches!(e, CarError::BadLength { .. })
        }),
        (
            "a block of a GiB",
            [good.clone(), vec![0x80, 0x80, 0x80, 0x80, 4]].concat(),
            |e| matches!(e, CarError::BlockTooLarge { .. }),
        ),
        ("no CID", with_section(b"x"), |e| {
            matches!(e, CarError::BadCid { number: 1 })
        }),
        (
            "version 0",
            with_section(&[&v0.to_bytes()[..], b"abc"].concat()),
            |e| matches!(e, CarError::BadCid { number: 1 }),
        ),
        (
            "identity",
            with_section(&cid_bytes(RAW as u8, 0, b"abc")),
            |e| matches!(e, CarError::WrongHash { code: 0, .. }),
        ),
        (
            "sha1",
            with_section(&cid_bytes(RAW as u8, 0x11, &[0; 20])),
            |e| matches!(e, CarError::WrongHash { code: 0x11, .. }),
        ),
        (
            "half a digest",
            with_section(&cid_bytes(RAW as u8, 0x12, &digest[..16])),
            |e| matches!(e, CarError::WrongHash { .. }),
        ),
        (
            "DAG-JSON",
            with_section(&[cid_bytes(0x29, 0x12, &digest), b"abc".to_vec()].concat()),
            |e| matches!(e, CarError::BadCid { .. } | CarError::WrongCodec { .. }),
        ),
        (
            "other bytes",
            with_section(&[cid_bytes(RAW as u8, 0x12, &digest), b"abd".to_vec()].concat()),
            |e| matches!(e, CarError::Mismatch { .. }),
        ),
    ];
    for (what, bytes, is) in cases {
        let refused = read(&bytes[..], Limits::default()).expect_err(what);
        assert!(is(&refused), "{what}: {refused:?}");
    }
}

#[test]
fn limits_hold() {
    let blocks: Blocks = (0..10_u8).map(|n| raw(&[n; 100])).collect();
    let file = write(&[blocks[0].0], &blocks);
    let all = Limits {
        total_bytes: file.len() as u64,
        block_bytes: 100,
        blocks: 10,
    };
    assert_eq!(read(&file[..], all).expect("just enough").1, blocks);
    let refused = read(
        &file[..],
        Limits {
            total_bytes: all.total_bytes - 1,
            ..all
        },
    )
    .expect_err("one byte");
    assert!(matches!(refused, CarError::TooLarge { .. }), "{refused}");
    let refused = read(&file[..], Limits { blocks: 9, ..all }).expect_err("one block");
    assert!(
        matches!(refused, CarError::TooManyBlocks { max: 9 }),
        "{refused}"
    );
    let refused = read(
        &file[..],
        Limits {
            block_bytes: 99,
            ..all
        },
    )
    .expect_err("one byte of a block");
    assert!(
        matches!(refused, CarError::BlockTooLarge { .. }),
        "{refused}"
    );
    let refused = read(
        &file[..],
        Limits {
            total_bytes: 10,
            ..all
        },
    )
    .expect_err("less than its header");
    assert!(
        matches!(refused, CarError::TooLarge { max: 10 }),
        "{refused}"
    );
}

/// Gives one good block again and again, and counts what was taken.
struct Endless {
    block: Vec<u8>,
    taken: u64,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = (self.taken % self.block.len() as u64) as usize;
        let n = into.len().min(self.block.len() - at);
        into[..n].copy_from_slice(&self.block[at..at + n]);
        self.taken += n as u64;
        Ok(n)
    }
}

#[test]
fn endless_data_is_refused_at_the_limit() {
    let (cid, bytes) = raw(&[7; 1000]);
    let block = section(&[cid.to_bytes(), bytes].concat());
    let mut endless = Endless { block, taken: 0 };
    let limits = Limits {
        total_bytes: 1 << 20,
        ..Limits::default()
    };
    let refused = read(write(&[], &[]).chain(&mut endless), limits).expect_err("endless");
    assert!(matches!(refused, CarError::TooLarge { .. }), "{refused}");
    assert!(
        endless.taken <= limits.total_bytes + 16,
        "{} bytes were read",
        endless.taken
    );
}

#[test]
fn a_failing_stream_is_its_own_error() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("on purpose"))
        }
    }
    let refused = read(write(&[], &[]).chain(Fails), Limits::default()).expect_err("it fails");
    assert!(matches!(refused, CarError::Io(_)), "{refused}");
}

trait Chain {
    fn chain<R: Read>(self, next: R) -> io::Chain<io::Cursor<Vec<u8>>, R>;
}

impl Chain for Vec<u8> {
    fn chain<R: Read>(self, next: R) -> io::Chain<io::Cursor<Vec<u8>>, R> {
        io::Cursor::new(self).chain(next)
    }
}

fn any_blocks() -> impl Strategy<Value = Blocks> {
    let block = (
        prop::sample::select(vec![RAW, DAG_PB, DAG_CBOR]),
        proptest::collection::vec(any::<u8>(), 0..300),
    );
    let block = block.prop_map(|(codec, bytes)| (content::block_cid(codec, &bytes), bytes));
    proptest::collection::vec(block, 0..20)
}

proptest! {
    #[test]
    fn what_is_written_is_read(blocks in any_blocks()) {
        let roots: Vec<Cid> = blocks.iter().map(|(cid, _)| *cid).collect();
        let (found, read) = read(&write(&roots, &blocks)[..], Limits::default()).unwrap();
        prop_assert_eq!(found, roots);
        prop_assert_eq!(read, blocks);
    }

    #[test]
    fn a_cut_or_damaged_file_gives_only_good_blocks(
        blocks in any_blocks(),
        at in any::<prop::sample::Index>(),
        flip in 0_u8..8,
        cut in any::<bool>(),
    ) {
        let mut file = write(&[], &blocks);
        let at = at.index(file.len());
        if cut { file.truncate(at) } else { file[at] ^= 1 << flip }
        let Ok(mut reader) = CarReader::new(&file[..], Limits::default()) else { return Ok(()) };
        while let Ok(Some((cid, bytes))) = reader.next_block() {
            prop_assert!(content::matches(&cid, bytes));
            prop_assert!(bytes.len() <= CAR_BLOCK_BYTES);
        }
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), header in any::<bool>()) {
        let start = if header { write(&[], &[]) } else { Vec::new() };
        let file = [start, bytes].concat();
        let _: Result<_, CarError> = read(&file[..], Limits::default());
    }
}
