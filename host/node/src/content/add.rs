//! Adding a stream: this thread reads and writes, a second one hashes, a third one pushes what was written onto the
//! disk meanwhile, so that the sync at the end has little left. Memory: [`BUFFERS`] leaves.

use super::{read_full, rows_of};
use crate::error::{NodeError, Result};
use crate::node::Node;
use std::io::{self, Read, Write};
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use weft_model::Cid;
use weft_release::limits::LEAF_BYTES;
use weft_release::unixfs::{Builder, Plan, UnixfsError};
use weft_store::content::{Draft, Layout};

/// Leaves that are read, written or hashed at a time.
const BUFFERS: usize = 8;
/// Written bytes after which they are pushed onto the disk: 64 MiB.
const PUSH_BYTES: usize = 64 << 20;

/// Why a stream was not added.
enum Stopped {
    Read(io::Error),
    Write(io::Error),
    Tree(UnixfsError),
}

impl Node {
    /// Adds a stream as content, held by `holder` from the start. Returns its CID and whether it is new.
    ///
    /// # Errors
    /// When the stream fails, has more than 1 TiB, or the disk is full. Then nothing is kept.
    pub(crate) fn put_stream(
        &self,
        mut input: impl Read,
        holder: Option<&str>,
    ) -> Result<(Cid, bool)> {
        let mut draft = self.content.begin()?;
        let room = self.content_room()?;
        // One byte more than there is room for: then it is known to be too much, and no more is read.
        let most = room.map_or(u64::MAX, |room| room.saturating_add(1));
        let mut input = input.by_ref().take(most);
        let plan = self.copy(&mut input, &mut draft).map_err(|e| match e {
            Stopped::Read(e) => NodeError::file(std::path::Path::new("the input"), &e),
            Stopped::Write(e) => NodeError::file(draft.path(), &e),
            Stopped::Tree(e) => NodeError::refused(e.to_string()),
        })?;
        if let Some(room) = room.filter(|room| plan.size > *room) {
            return Err(self.no_content_room(room));
        }
        let new = self.keep_plan(draft, &plan, holder)?;
        Ok((plan.root, new))
    }

    /// Makes a draft, which holds the plan's bytes, content. Returns whether it is new.
    pub(super) fn keep_plan(
        &self,
        draft: Draft,
        plan: &Plan,
        holder: Option<&str>,
    ) -> Result<bool> {
        // Two at a time would both find the room that is there for one.
        let _turn = self
            .settings
            .cap_disk_bytes()
            .map(|_| self.keeping.lock().unwrap_or_else(PoisonError::into_inner));
        if !self.content.has(&plan.root)? {
            self.check_content_room(plan.size)?;
        }
        let leaves = rows_of(plan);
        let layout = Layout {
            cid: &plan.root,
            size: plan.size,
            leaves: &leaves,
            nodes: &plan.nodes,
        };
        Ok(self.content.commit(draft, &layout, holder, self.now())?)
    }

    fn copy(&self, input: &mut impl Read, draft: &mut Draft) -> Result<Plan, Stopped> {
        let mut first = vec![0; LEAF_BYTES];
        let count = read_full(input, &mut first).map_err(Stopped::Read)?;
        if count < LEAF_BYTES {
            // One short leaf: threads would cost more than they save.
            let mut builder = Builder::new();
            builder.push(&first[..count]).map_err(Stopped::Tree)?;
            draft.write_all(&first[..count]).map_err(Stopped::Write)?;
            self.progress.add(count as u64);
            return Ok(builder.finish());
        }
        let disk = draft.file().try_clone().map_err(Stopped::Write)?;
        let (to_hash, hashing) = sync_channel::<(Vec<u8>, usize)>(BUFFERS);
        let (give_back, free) = sync_channel::<Vec<u8>>(BUFFERS);
        // Never waited for: while one push is under way, the next is left out.
        let (push, pushing) = sync_channel::<()>(1);
        std::thread::scope(|scope| {
            let hasher = scope.spawn(move || hash(&hashing, &give_back));
            let pusher = scope.spawn(move || pushing.iter().try_for_each(|()| disk.sync_data()));
            let moved = self.pour(input, draft, (first, count), &free, &to_hash, &push);
            drop((to_hash, push));
            let tree = hasher
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let pushed = pusher
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // A hasher that stopped is why the pouring ended, so its reason comes first.
            let tree = tree.map_err(Stopped::Tree)?;
            moved?;
            pushed.map_err(Stopped::Write)?;
            Ok(tree)
        })
    }

    /// Reads and writes leaf by leaf, and hands each to the hasher.
    fn pour(
        &self,
        input: &mut impl Read,
        draft: &mut Draft,
        first: (Vec<u8>, usize),
        free: &Receiver<Vec<u8>>,
        to_hash: &SyncSender<(Vec<u8>, usize)>,
        push: &SyncSender<()>,
    ) -> Result<(), Stopped> {
        let (mut buffer, mut count) = first;
        let (mut buffers, mut unpushed) = (1, 0);
        while count > 0 {
            draft.write_all(&buffer[..count]).map_err(Stopped::Write)?;
            self.progress.add(count as u64);
            unpushed += count;
            if unpushed >= PUSH_BYTES && push.try_send(()).is_ok() {
                unpushed = 0;
            }
            let last = count < LEAF_BYTES;
            if to_hash.send((buffer, count)).is_err() || last {
                return Ok(());
            }
            buffer = match free.try_recv() {
                Ok(buffer) => buffer,
                Err(_) if buffers < BUFFERS => {
                    buffers += 1;
                    vec![0; LEAF_BYTES]
                }
                Err(_) => match free.recv() {
                    Ok(buffer) => buffer,
                    Err(_) => return Ok(()),
                },
            };
            count = read_full(input, &mut buffer).map_err(Stopped::Read)?;
        }
        Ok(())
    }
}

/// Hashes leaves in order and gives their buffers back.
fn hash(
    leaves: &Receiver<(Vec<u8>, usize)>,
    give_back: &SyncSender<Vec<u8>>,
) -> Result<Plan, UnixfsError> {
    let mut builder = Builder::new();
    for (buffer, count) in leaves {
        builder.push(&buffer[..count])?;
        // Towards the end nobody takes it any more.
        let _ = give_back.try_send(buffer);
    }
    Ok(builder.finish())
}
