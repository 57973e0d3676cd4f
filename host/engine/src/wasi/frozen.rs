//! Directories that a job may only read, shown as they would be shown anywhere: every timestamp is zero, a directory
//! has no size, nothing has a second link, and listings are sorted by the bytes of their names. What is left, names,
//! types and contents, is the same for whoever holds the same files.
//!
//! This stands in front of wasmtime-wasi's own implementation, which keeps the sandbox: paths, links and writes are its
//! to refuse. A directory that was granted for writing passes through as it is.
//!
//! A metadata hash is made of type and size alone: the system's would hold the device and the inode. So two files may
//! have one hash; `is-same-object` tells them apart.

use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode as TooMany;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, Filesize, Host, HostDescriptor, HostDirectoryEntryStream,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::sync::io::streams::{Error, InputStream, OutputStream};
use wasmtime_wasi::p2::{FsError, FsResult};

/// Most entries of one directory that a job is shown; a larger one can't be listed.
pub const LISTING_ENTRIES: usize = 65_536;

/// Listings that a job has open: what is left of each, by the stream's number.
#[derive(Default)]
pub struct Listings(HashMap<u32, VecDeque<DirectoryEntry>>);

/// A store's files, and the listings that are open.
pub struct View<'a> {
    files: WasiFilesystemCtxView<'a>,
    listings: &'a mut Listings,
}

/// A job's state that holds its listings.
pub trait Frozen: WasiView {
    /// WASI's part of the state, and the listings.
    fn frozen(&mut self) -> View<'_>;
}

struct Files;

impl HasData for Files {
    type Data<'a> = View<'a>;
}

/// Puts this in place of wasmtime-wasi's `wasi:filesystem/types`.
///
/// # Errors
/// When the linker can't define it.
pub fn add_to_linker<T: Frozen + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<T, Files>(linker, T::frozen)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl<'a> View<'a> {
    /// Of a store's files and its listings.
    pub fn new(files: WasiFilesystemCtxView<'a>, listings: &'a mut Listings) -> Self {
        Self { files, listings }
    }

    /// Whether a descriptor came from a directory that may only be read.
    fn is_frozen(&self, fd: &Resource<Descriptor>) -> FsResult<bool> {
        let perms = match self.files.table.get(fd)? {
            Descriptor::File(file) => file.perms,
            Descriptor::Dir(dir) => dir.perms,
        };
        Ok(perms.write_not_permitted())
    }

    /// All entries of a stream, sorted; the stream is then at its end.
    fn sorted(&mut self, stream: u32) -> FsResult<VecDeque<DirectoryEntry>> {
        let mut entries = Vec::new();
        while let Some(entry) = HostDirectoryEntryStream::read_directory_entry(
            &mut self.files,
            Resource::new_borrow(stream),
        )? {
            if entries.len() == LISTING_ENTRIES {
                return Err(TooMany::Overflow.into());
            }
            entries.push(entry);
        }
        entries.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        Ok(entries.into())
    }
}

/// What everybody sees of a file.
fn still(stat: DescriptorStat) -> DescriptorStat {
    const ZERO: Datetime = Datetime {
        seconds: 0,
        nanoseconds: 0,
    };
    DescriptorStat {
        size: if stat.type_ == DescriptorType::Directory {
            0
        } else {
            stat.size
        },
        type_: stat.type_,
        link_count: 1,
        data_access_timestamp: Some(ZERO),
        data_modification_timestamp: Some(ZERO),
        status_change_timestamp: Some(ZERO),
    }
}

/// The hash of what [`still`] leaves.
fn hash(stat: &DescriptorStat) -> MetadataHashValue {
    let digest = Sha256::digest(format!("{:?} {}", stat.type_, stat.size));
    let word = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    MetadataHashValue {
        lower: word(0),
        upper: word(8),
    }
}

impl Host for View<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        Host::convert_error_code(&mut self.files, error)
    }

    fn filesystem_error_code(&mut self, error: Resource<Error>) -> Result<Option<ErrorCode>> {
        Host::filesystem_error_code(&mut self.files, error)
    }
}

/// Calls that pass through as they are.
macro_rules! pass {
    ($(fn $name:ident($($arg:ident: $of:ty),*) -> $gives:ty;)*) => {
        $(fn $name(&mut self, fd: Resource<Descriptor>, $($arg: $of),*) -> $gives {
            HostDescriptor::$name(&mut self.files, fd, $($arg),*)
        })*
    };
}

impl HostDescriptor for View<'_> {
    pass! {
        fn advise(offset: Filesize, len: Filesize, advice: Advice) -> FsResult<()>;
        fn sync_data() -> FsResult<()>;
        fn get_flags() -> FsResult<DescriptorFlags>;
        fn get_type() -> FsResult<DescriptorType>;
        fn set_size(size: Filesize) -> FsResult<()>;
        fn set_times(access: NewTimestamp, modification: NewTimestamp) -> FsResult<()>;
        fn read(len: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)>;
        fn write(bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize>;
        fn sync() -> FsResult<()>;
        fn create_directory_at(path: String) -> FsResult<()>;
        fn set_times_at(
            flags: PathFlags, path: String, access: NewTimestamp, modification: NewTimestamp
        ) -> FsResult<()>;
        fn link_at(
            flags: PathFlags, path: String, to: Resource<Descriptor>, to_path: String
        ) -> FsResult<()>;
        fn open_at(
            flags: PathFlags, path: String, open: OpenFlags, mode: DescriptorFlags
        ) -> FsResult<Resource<Descriptor>>;
        fn readlink_at(path: String) -> FsResult<String>;
        fn remove_directory_at(path: String) -> FsResult<()>;
        fn rename_at(path: String, to: Resource<Descriptor>, to_path: String) -> FsResult<()>;
        fn symlink_at(path: String, to_path: String) -> FsResult<()>;
        fn unlink_file_at(path: String) -> FsResult<()>;
        fn read_via_stream(offset: Filesize) -> FsResult<Resource<InputStream>>;
        fn write_via_stream(offset: Filesize) -> FsResult<Resource<OutputStream>>;
        fn append_via_stream() -> FsResult<Resource<OutputStream>>;
        fn is_same_object(other: Resource<Descriptor>) -> Result<bool>;
        fn drop() -> Result<()>;
    }

    fn read_directory(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let frozen = self.is_frozen(&fd)?;
        let stream = HostDescriptor::read_directory(&mut self.files, fd)?;
        if frozen {
            match self.sorted(stream.rep()) {
                Ok(entries) => {
                    self.listings.0.insert(stream.rep(), entries);
                }
                Err(e) => {
                    self.files.table.delete(stream)?;
                    return Err(e);
                }
            }
        }
        Ok(stream)
    }

    fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        let frozen = self.is_frozen(&fd)?;
        let stat = HostDescriptor::stat(&mut self.files, fd)?;
        Ok(if frozen { still(stat) } else { stat })
    }

    fn stat_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let frozen = self.is_frozen(&fd)?;
        let stat = HostDescriptor::stat_at(&mut self.files, fd, flags, path)?;
        Ok(if frozen { still(stat) } else { stat })
    }

    fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        if !self.is_frozen(&fd)? {
            return HostDescriptor::metadata_hash(&mut self.files, fd);
        }
        Ok(hash(&HostDescriptor::stat(self, fd)?))
    }

    fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        if !self.is_frozen(&fd)? {
            return HostDescriptor::metadata_hash_at(&mut self.files, fd, flags, path);
        }
        Ok(hash(&HostDescriptor::stat_at(self, fd, flags, path)?))
    }
}

impl HostDirectoryEntryStream for View<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        match self.listings.0.get_mut(&stream.rep()) {
            Some(entries) => Ok(entries.pop_front()),
            None => HostDirectoryEntryStream::read_directory_entry(&mut self.files, stream),
        }
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        self.listings.0.remove(&stream.rep());
        HostDirectoryEntryStream::drop(&mut self.files, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_machines_is_gone() {
        let stat = |type_, size, links, seconds| DescriptorStat {
            type_,
            link_count: links,
            size,
            data_access_timestamp: Some(Datetime {
                seconds,
                nanoseconds: 7,
            }),
            data_modification_timestamp: None,
            status_change_timestamp: None,
        };
        let same = |a: DescriptorStat, b: DescriptorStat| {
            let (a, b) = (still(a), still(b));
            let text = format!("{a:?}") == format!("{b:?}");
            assert_eq!(text, hash(&a).lower == hash(&b).lower);
            text
        };
        use DescriptorType::{Directory, RegularFile};
        assert!(same(
            stat(Directory, 4_096, 9, 1),
            stat(Directory, 60, 2, 2)
        ));
        assert!(same(
            stat(RegularFile, 12, 1, 1),
            stat(RegularFile, 12, 3, 2)
        ));
        assert!(!same(
            stat(RegularFile, 12, 1, 1),
            stat(RegularFile, 13, 1, 1)
        ));
        assert!(!same(stat(RegularFile, 0, 1, 1), stat(Directory, 0, 1, 1)));
    }
}
