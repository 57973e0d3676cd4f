//! A listener that lets in boundedly many, each for a bounded time: a client that sends nothing keeps no place for ever.

use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// Rest after the system refused a connection, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listener.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    life: Duration,
}

/// A connection with its place and its end.
pub(super) struct Guest {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Door {
    /// Lets in so many at a time, each for so long.
    pub fn new(listener: TcpListener, places: usize, life: Duration) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(places)),
            life,
        }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // Nobody closes it.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let guest = Guest {
                        stream,
                        end: Box::pin(sleep(self.life)),
                        _place: place,
                    };
                    return (guest, address);
                }
                Err(e) => {
                    tracing::warn!(error = %e, "no connection for figures could be taken");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Guest {
    /// An error once its time is over.
    fn in_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn who_sends_nothing_is_closed_and_its_place_is_another_ones() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut door = Door::new(listener, 1, Duration::from_millis(50));
        let (mut first, second) = (
            TcpStream::connect(address).await.expect("it connects"),
            TcpStream::connect(address).await.expect("it connects"),
        );
        let (mut guest, _) = door.accept().await;
        let silent = guest.read_u8().await.expect_err("it says nothing");
        assert_eq!(silent.kind(), io::ErrorKind::TimedOut);
        let full = tokio::time::timeout(Duration::from_millis(50), door.accept());
        assert!(full.await.is_err(), "the only place is taken");
        drop(guest);
        assert_eq!(first.read(&mut [0]).await.expect("it is closed"), 0);
        let (_, from) = door.accept().await;
        assert_eq!(from, second.local_addr().expect("an address"));
    }
}
