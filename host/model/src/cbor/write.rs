//! Canonical DAG-CBOR, written into one buffer.
//!
//! The bytes are those of `serde_ipld_dagcbor`, which a test holds them against; that crate gives every field of every
//! map two buffers of its own and copies each level once more. Here a map's entries are written in place and moved only
//! where its keys are not in canonical order yet.
//!
//! It writes serde's data model. It does not read, and knows no record.

use ipld_core::cid::serde::CID_SERDE_PRIVATE_IDENTIFIER;
use serde::Serialize;
use serde::ser::{self, Error as _};

/// Major types of CBOR.
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
/// The simple values, and the mark of a float of 64 bits.
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const FLOAT: u8 = 0xfb;
/// The tag of a CID.
const CID: u64 = 42;
/// Most bytes of the head of an item.
const HEAD_BYTES: usize = 9;

/// Why a value has no DAG-CBOR form.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoForm(String);

impl ser::Error for NoForm {
    fn custom<T: std::fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// Writes values behind each other.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) out: Vec<u8>,
    /// Where the entries of the maps begin that are open now, innermost last.
    starts: Vec<usize>,
    /// Entries on their way to another place.
    moved: Vec<u8>,
    /// The order of a map's entries: the first bytes of each, where it begins and ends.
    order: Vec<(u64, usize, usize)>,
    /// Whether the next bytes are a CID.
    cid: bool,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    fn head(&mut self, major: u8, n: u64) {
        let major = major << 5;
        match n {
            0..=23 => self.out.push(major | n as u8),
            24..=0xff => self.out.extend([major | 24, n as u8]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend((n as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend((n as u32).to_be_bytes());
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend(n.to_be_bytes());
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// The head of a variant: a map of one entry.
    fn variant(&mut self, name: &str) {
        self.head(MAP, 1);
        self.text(name);
    }

    /// Writes the head of what began at `start`, once its length is known.
    fn head_before(&mut self, start: usize, major: u8, n: u64) {
        let end = self.out.len();
        self.head(major, n);
        let mut head = [0; HEAD_BYTES];
        let bytes = self.out.len() - end;
        head[..bytes].copy_from_slice(&self.out[end..]);
        self.out.copy_within(start..end, start + bytes);
        self.out[start..start + bytes].copy_from_slice(&head[..bytes]);
    }

    /// Brings the entries of a map that begin at `starts[first..]` into canonical order. Keys are texts, whose heads
    /// hold their lengths, so the order of the entries' bytes is that of shorter keys first.
    fn sort(&mut self, first: usize) {
        let Self {
            out,
            starts,
            moved,
            order,
            ..
        } = self;
        let begin = match starts.get(first) {
            Some(begin) => *begin,
            None => return,
        };
        let end = out.len();
        let untils = starts[first + 1..].iter().copied().chain([end]);
        order.clear();
        order.extend(
            starts[first..]
                .iter()
                .zip(untils)
                .map(|(start, until)| (prefix(&out[*start..until]), *start, until)),
        );
        let compare = |bytes: &[u8], a: &(u64, usize, usize), b: &(u64, usize, usize)| {
            a.0.cmp(&b.0)
                .then_with(|| bytes[a.1..a.2].cmp(&bytes[b.1..b.2]))
        };
        if !order.is_sorted_by(|a, b| compare(out, a, b).is_le()) {
            order.sort_unstable_by(|a, b| compare(out, a, b));
            moved.clear();
            for (_, start, until) in order {
                moved.extend_from_slice(&out[*start..*until]);
            }
            out[begin..end].copy_from_slice(moved);
        }
        starts.truncate(first);
    }
}

/// The first eight bytes, as a number that compares as they do.
fn prefix(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(first)
        }
    }
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = NoForm;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Map<'a>;
    type SerializeStruct = Map<'a>;
    type SerializeStructVariant = Map<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), NoForm> {
        self.out.push(if v { TRUE } else { FALSE });
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> Result<(), NoForm> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), NoForm> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), NoForm> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<(), NoForm> {
        match u64::try_from(v) {
            Ok(v) => self.head(UNSIGNED, v),
            // -1 is 0, -2 is 1: the bits inverted.
            Err(_) => self.head(NEGATIVE, !v as u64),
        }
        Ok(())
    }

    fn serialize_u8(self, v: u8) -> Result<(), NoForm> {
        self.serialize_u64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), NoForm> {
        self.serialize_u64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), NoForm> {
        self.serialize_u64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<(), NoForm> {
        self.head(UNSIGNED, v);
        Ok(())
    }

    fn serialize_i128(self, v: i128) -> Result<(), NoForm> {
        let (major, n) = match v {
            0.. => (UNSIGNED, u64::try_from(v)),
            _ => (NEGATIVE, u64::try_from(!v)),
        };
        let n = n.map_err(|_| NoForm::custom("an integer of more than 64 bits"))?;
        self.head(major, n);
        Ok(())
    }

    fn serialize_u128(self, v: u128) -> Result<(), NoForm> {
        let n = u64::try_from(v).map_err(|_| NoForm::custom("an integer of more than 64 bits"))?;
        self.serialize_u64(n)
    }

    fn serialize_f32(self, v: f32) -> Result<(), NoForm> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<(), NoForm> {
        if !v.is_finite() {
            return Err(NoForm::custom("a float that is not finite"));
        }
        // Both zeros are one.
        let v = if v == 0.0 { 0.0 } else { v };
        self.out.push(FLOAT);
        self.out.extend(v.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), NoForm> {
        self.text(v.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), NoForm> {
        self.text(v);
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), NoForm> {
        if std::mem::take(&mut self.cid) {
            self.head(TAG, CID);
            self.head(BYTES, v.len() as u64 + 1);
            self.out.push(0);
        } else {
            self.head(BYTES, v.len() as u64);
        }
        self.out.extend_from_slice(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), NoForm> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoForm> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NoForm> {
        self.out.push(NULL);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoForm> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NoForm> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoForm> {
        // Its value is bytes and nothing else.
        self.cid = name == CID_SERDE_PRIVATE_IDENTIFIER;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NoForm> {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<List<'a>, NoForm> {
        Ok(List::new(self, len))
    }

    fn serialize_tuple(self, len: usize) -> Result<List<'a>, NoForm> {
        Ok(List::new(self, Some(len)))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<List<'a>, NoForm> {
        Ok(List::new(self, Some(len)))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<List<'a>, NoForm> {
        self.variant(variant);
        Ok(List::new(self, Some(len)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map<'a>, NoForm> {
        Ok(Map::new(self))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Map<'a>, NoForm> {
        Ok(Map::new(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Map<'a>, NoForm> {
        self.variant(variant);
        Ok(Map::new(self))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// An open list.
pub(super) struct List<'a> {
    writer: &'a mut Writer,
    /// Where it began, if its length was not known then.
    late: Option<usize>,
    count: u64,
}

impl<'a> List<'a> {
    fn new(writer: &'a mut Writer, len: Option<usize>) -> Self {
        let late = match len {
            Some(len) => {
                writer.head(LIST, len as u64);
                None
            }
            None => Some(writer.out.len()),
        };
        Self {
            writer,
            late,
            count: 0,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoForm> {
        self.count += 1;
        value.serialize(&mut *self.writer)
    }

    fn close(self) {
        if let Some(start) = self.late {
            self.writer.head_before(start, LIST, self.count);
        }
    }
}

/// An open map.
pub(super) struct Map<'a> {
    writer: &'a mut Writer,
    /// Where it began: its length is written last.
    start: usize,
    /// How many entries the maps around it have so far.
    first: usize,
}

impl<'a> Map<'a> {
    fn new(writer: &'a mut Writer) -> Self {
        // One byte holds the head of a map of up to 23 entries.
        let start = writer.out.len();
        writer.out.push(0);
        let first = writer.starts.len();
        Self {
            writer,
            start,
            first,
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), NoForm> {
        self.writer.starts.push(self.writer.out.len());
        self.writer.text(name);
        value.serialize(&mut *self.writer)
    }

    fn close(self) {
        let entries = (self.writer.starts.len() - self.first) as u64;
        self.writer.sort(self.first);
        if entries < 24 {
            self.writer.out[self.start] = MAP << 5 | entries as u8;
        } else {
            self.writer.head_before(self.start + 1, MAP, entries);
            self.writer.out.remove(self.start);
        }
    }
}

/// The list traits of serde are the same but for the method's name.
macro_rules! list {
    ($($of:ident $method:ident),*) => { $(
        impl ser::$of for List<'_> {
            type Ok = ();
            type Error = NoForm;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoForm> {
                self.push(value)
            }

            fn end(self) -> Result<(), NoForm> {
                self.close();
                Ok(())
            }
        }
    )* };
}
list!(SerializeSeq serialize_element, SerializeTuple serialize_element);
list!(SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);

/// So are those of structs.
macro_rules! fields {
    ($($of:ident),*) => { $(
        impl ser::$of for Map<'_> {
            type Ok = ();
            type Error = NoForm;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoForm> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), NoForm> {
                self.close();
                Ok(())
            }
        }
    )* };
}
fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Map<'_> {
    type Ok = ();
    type Error = NoForm;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoForm> {
        let start = self.writer.out.len();
        self.writer.starts.push(start);
        key.serialize(&mut *self.writer)?;
        match self.writer.out.get(start) {
            Some(head) if head >> 5 == TEXT => Ok(()),
            _ => Err(NoForm::custom("a map whose keys are no texts")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoForm> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), NoForm> {
        self.close();
        Ok(())
    }
}
