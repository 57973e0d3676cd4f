//! A fetch for a thread that may block.

use super::{Exchange, FetchError, More, Report};
use crate::limits::{FETCH_BATCH, FETCH_WAITING};
use libp2p::PeerId;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use weft_model::Cid;

impl Exchange {
    /// Fetches blocks from several peers at once, on the threads of their swarm. `take` gets each block as it comes,
    /// verified, in any order, on this thread; what it answers false to ends the fetch. `progress` is called now and then.
    ///
    /// # Errors
    /// [`FetchError`]; what was taken before is right.
    pub(crate) fn fetch_blocking(
        &self,
        runtime: &Runtime,
        blocks: Vec<Cid>,
        seeders: Vec<PeerId>,
        mut take: impl FnMut(Cid, &[u8]) -> bool,
        mut progress: impl FnMut(&Report),
    ) -> Result<Report, FetchError> {
        let (want, wanted) = mpsc::channel(FETCH_WAITING);
        let (out, mut came) = mpsc::channel(FETCH_WAITING);
        let (tell, told) = watch::channel(Report::default());
        let exchange = self.clone();
        let fetching =
            runtime.spawn(async move { exchange.fetch(wanted, seeders, out, &tell).await });
        runtime.spawn(async move {
            for part in blocks.chunks(FETCH_BATCH) {
                if want.send(More::Blocks(part.to_vec())).await.is_err() {
                    return;
                }
            }
        });
        while let Some((cid, bytes)) = came.blocking_recv() {
            if !take(cid, &bytes) {
                fetching.abort();
                return Err(FetchError::GivenUp);
            }
            progress(&told.borrow());
        }
        runtime
            .block_on(fetching)
            .unwrap_or(Err(FetchError::GivenUp))
    }
}
