//! Connections of browsers: how many, how long they may take, and how they end. Not what is asked on them.

use super::crowd::CrowdCounter;
use super::limits;
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Sleep;

/// Who is at the other end of a connection: a browser, or a proxy before it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves until it is to stop; then what is being answered is answered, within a limit.
pub async fn serve(
    listener: TcpListener,
    pages: Router,
    (mut stopped, counter): (watch::Receiver<bool>, CrowdCounter),
) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = end(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((place, stream, peer)) = accepted else { continue };
        let (pages, stopped, present) = (pages.clone(), stopped.clone(), counter.enter());
        connections.spawn(async move {
            connection(stream, Peer(peer), pages, stopped).await;
            drop((place, present));
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits::END_PATIENCE, all).await; // whoever takes longer is cut off
}

/// Over when everything is to end.
pub async fn end(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await; // without a sender it is over too
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::sync::OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let socket = socket2::SockRef::from(&stream);
            // What cannot be set leaves the system's own bounds.
            let _ = stream.set_nodelay(true);
            let _ = socket.set_send_buffer_size(limits::SEND_BUFFER_BYTES);
            #[cfg(target_os = "linux")]
            let _ = socket.set_tcp_user_timeout(Some(limits::STALLED));
            Some((place, stream, peer))
        }
        Err(error) => {
            tracing::debug!("a browser could not connect: {error}");
            tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await; // no descriptors are left
            None
        }
    }
}

async fn connection(stream: TcpStream, peer: Peer, pages: Router, mut stopped: watch::Receiver<bool>) {
    let pages = TowerToHyperService::new(pages);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        pages.call(request.map(Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits::HEAD_PATIENCE);
    http.max_buf_size(limits::HEAD_BYTES).max_headers(limits::HEADERS);
    let mut connection = pin!(http.serve_connection(TokioIo::new(Patient::new(stream)), service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = end(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::trace!("a connection ended: {error}");
    }
}

/// A connection that is given up when its reader takes nothing for too long.
struct Patient {
    stream: TcpStream,
    /// Since when nothing was taken.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream) -> Patient {
        Patient { stream, stalled: None }
    }

    /// What came of writing; too long a pause is an error.
    fn patiently<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limits::STALLED)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.patiently(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
