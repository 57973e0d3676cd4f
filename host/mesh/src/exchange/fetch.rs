//! One fetch: carries the queue's effects to its seeders' links, and what they say back into the queue.
//!
//! The future owns all of it: the queue, a task per seeder, what came and is not taken yet. Dropping it ends all of
//! them. Blocks are given out in no order that the caller may count on, each once.

use super::limits::{
    BLOCKS_PER_FETCH_MAX, EVENTS_QUEUED, IN_FLIGHT_BYTES_MAX, TICK_MS, WAITING_MAX, WINDOW_MAX,
};
use super::link::{Block, Event, Heard, Link};
use super::queue::{Dropped, Effect, Input, Queue, Report};
use super::{Exchange, FetchError};
use libp2p::PeerId;
use prost::bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use weft_model::{Cid, content};

/// What is added to a fetch while it runs.
#[derive(Clone, Debug)]
pub enum More {
    /// Blocks that are wanted, too.
    Blocks(Vec<Cid>),
    /// Peers that may have them. One that was dropped is tried again, except after wrong bytes.
    Seeders(Vec<PeerId>),
}

/// The seeder's link as the fetch holds it.
struct Held {
    id: u64,
    asks: mpsc::Sender<Vec<Cid>>,
    heard: Arc<Heard>,
    /// Bytes that the queue was told of.
    seen: u64,
    task: AbortHandle,
}

struct Fetch<'a> {
    exchange: &'a Exchange,
    queue: Queue,
    began: Instant,
    links: HashMap<PeerId, Held>,
    tasks: JoinSet<()>,
    room: Arc<Semaphore>,
    events: mpsc::Sender<(u64, PeerId, Event)>,
    next_id: u64,
    /// Verified, and not taken by the caller yet.
    ready: VecDeque<(Cid, Block)>,
    finished: bool,
}

impl Exchange {
    /// Fetches blocks from these seeders, and gives each to `out` once, verified. More blocks and seeders may be named
    /// through `more` while it runs; it ends well when `more` is closed and every block was taken from `out`.
    ///
    /// The caller must take from `out` while it sends to `more`: both are bounded. A fetch holds at most
    /// [`IN_FLIGHT_BYTES_MAX`] bytes. `progress` is renewed every [`TICK_MS`]. Dropping the future cancels the fetch.
    ///
    /// # Errors
    /// [`FetchError::NotFound`], [`FetchError::NoSeeders`] name the block that nobody gives; [`FetchError::GivenUp`]
    /// when `out` is closed. What was given out before an error is right.
    pub async fn fetch(
        &self,
        mut more: mpsc::Receiver<More>,
        seeders: Vec<PeerId>,
        out: mpsc::Sender<(Cid, Bytes)>,
        progress: &watch::Sender<Report>,
    ) -> Result<Report, FetchError> {
        let (events, mut inbox) = mpsc::channel(EVENTS_QUEUED);
        let mut fetch = Fetch::new(self, events);
        let mut tick = interval(Duration::from_millis(TICK_MS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        fetch.add(More::Seeders(seeders))?;
        let mut more_may_come = true;
        while !(fetch.finished && fetch.ready.is_empty()) {
            tokio::select! {
                added = more.recv(), if more_may_come && fetch.queue.waiting() < WAITING_MAX => match added {
                    Some(added) => fetch.add(added)?,
                    None => {
                        more_may_come = false;
                        fetch.step(Input::NoMoreWants)?;
                    }
                },
                Some((link, peer, event)) = inbox.recv() => fetch.hear(link, peer, event)?,
                place = out.reserve(), if !fetch.ready.is_empty() => {
                    let Ok(place) = place else { return Err(FetchError::GivenUp) };
                    if let Some((cid, block)) = fetch.ready.pop_front() {
                        let bytes = block.bytes.len() as u64;
                        place.send((cid, block.bytes));
                        fetch.step(Input::Taken(bytes))?;
                    }
                }
                () = out.closed() => return Err(FetchError::GivenUp),
                _ = tick.tick() => {
                    fetch.tick()?;
                    progress.send_replace(fetch.queue.report());
                }
            }
        }
        let report = fetch.queue.report();
        progress.send_replace(report.clone());
        Ok(report)
    }
}

impl<'a> Fetch<'a> {
    fn new(exchange: &'a Exchange, events: mpsc::Sender<(u64, PeerId, Event)>) -> Self {
        Self {
            exchange,
            queue: Queue::default(),
            began: Instant::now(),
            links: HashMap::new(),
            tasks: JoinSet::new(),
            room: Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX as usize)),
            events,
            next_id: 0,
            ready: VecDeque::new(),
            finished: false,
        }
    }

    fn add(&mut self, more: More) -> Result<(), FetchError> {
        match more {
            More::Seeders(peers) => {
                let mut peers = peers.into_iter();
                peers.try_for_each(|peer| self.step(Input::Seeder(peer)))
            }
            More::Blocks(cids) => match cids
                .iter()
                .find(|cid| cid.hash().code() != content::SHA2_256)
            {
                Some(cid) => Err(FetchError::OtherHash(*cid)),
                None => self.step(Input::Want(cids)),
            },
        }
    }

    fn hear(&mut self, link: u64, peer: PeerId, event: Event) -> Result<(), FetchError> {
        let is_current = self.links.get(&peer).is_some_and(|held| held.id == link);
        match event {
            Event::Ready if is_current => self.step(Input::Ready(peer)),
            Event::Lost(why) if is_current => self.step(Input::Lost(peer, why)),
            Event::Ready | Event::Lost(_) => Ok(()),
            // A right block is welcome from a link that was closed meanwhile; a wrong one is remembered.
            Event::Answer(cid, answer, block) => self.act(Input::Answer(peer, cid, answer), block),
        }
    }

    fn tick(&mut self) -> Result<(), FetchError> {
        let heard = self
            .links
            .iter_mut()
            .filter_map(|(peer, held)| Some((*peer, held.news()?)));
        for (peer, bytes) in heard.collect::<Vec<_>>() {
            self.step(Input::Heard(peer, bytes))?;
        }
        while self.tasks.try_join_next().is_some() {}
        self.step(Input::Tick)
    }

    fn step(&mut self, input: Input) -> Result<(), FetchError> {
        self.act(input, None)
    }

    /// Carries out what follows from this input, which came with this block.
    fn act(&mut self, input: Input, mut block: Option<Block>) -> Result<(), FetchError> {
        for effect in self.queue.step(self.began.elapsed(), input) {
            match effect {
                Effect::Connect(peer) => self.connect(peer),
                Effect::Ask(peer, cids) => {
                    // A link that takes no more has ended, and its word of why is on its way.
                    self.links.get(&peer).map(|held| held.asks.try_send(cids));
                }
                Effect::Give(cid) => self.ready.extend(block.take().map(|block| (cid, block))),
                Effect::Drop(peer, why) => self.disconnect(&peer, why),
                Effect::Finished => self.finished = true,
                Effect::NotFound(cid) => {
                    return Err(FetchError::NotFound {
                        cid,
                        report: self.report(),
                    });
                }
                Effect::NoSeeders(cid) => {
                    return Err(FetchError::NoSeeders {
                        cid,
                        report: self.report(),
                    });
                }
                Effect::TooMany => {
                    return Err(FetchError::TooManyBlocks {
                        max: BLOCKS_PER_FETCH_MAX,
                    });
                }
            }
        }
        Ok(())
    }

    fn connect(&mut self, peer: PeerId) {
        // Each message asks for one block or more, and no more than a window is owed.
        let (asks, asked) = mpsc::channel(WINDOW_MAX);
        let heard = Arc::<Heard>::default();
        self.next_id += 1;
        let link = Link {
            id: self.next_id,
            peer,
            shared: self.exchange.shared.clone(),
            control: self.exchange.control.clone(),
            swap: self.exchange.swap.clone(),
            room: self.room.clone(),
            heard: heard.clone(),
            answered: AtomicBool::new(false),
            events: self.events.clone(),
        };
        let task = self.tasks.spawn(link.run(asked));
        let held = Held {
            id: self.next_id,
            asks,
            heard,
            seen: 0,
            task,
        };
        self.links.insert(peer, held);
    }

    fn disconnect(&mut self, peer: &PeerId, why: Dropped) {
        if let Some(held) = self.links.remove(peer) {
            held.task.abort();
        }
        self.exchange.shared.counters.drop_seeder(why);
        tracing::info!(%peer, why = why.name(), "a seeder was dropped");
    }

    fn report(&self) -> Box<Report> {
        Box::new(self.queue.report())
    }
}

impl Held {
    /// Bytes so far, when there are more than before or the link waits for the fetch itself.
    fn news(&mut self) -> Option<u64> {
        let bytes = self.heard.bytes.load(Ordering::Relaxed);
        let is_news = bytes != self.seen || self.heard.waits.load(Ordering::Relaxed);
        self.seen = bytes;
        is_news.then_some(bytes)
    }
}
