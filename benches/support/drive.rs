//! An HTTP load driver that leaves the processors to the server: one thread, keep-alive, no parsing beyond need.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::try_join_all;

use super::connection::Connection;

/// Requests are sent for this long before they are counted.
const WARM_UP: Duration = Duration::from_millis(500);
/// Requests are counted for this long.
const SPAN: Duration = Duration::from_secs(3);

/// Requests a second that `address` answers with `status` over so many connections.
///
/// `request` writes one request, given a random number.
pub async fn rate(
    address: SocketAddr,
    connections: usize,
    status: u16,
    request: impl FnMut(u64, &mut Vec<u8>),
) -> anyhow::Result<f64> {
    let request = RefCell::new(request);
    let random = Cell::new(0x9e37_79b9_7f4a_7c15);
    let begin = Instant::now() + WARM_UP;
    let end = begin + SPAN;
    let client = async || {
        let mut connection = Connection::open(address).await?;
        let (mut counted, mut bytes) = (0_u32, Vec::new());
        while Instant::now() < end {
            bytes.clear();
            (request.borrow_mut())(step(&random), &mut bytes);
            let given = connection.send(&bytes).await?;
            ensure!(given == status, "answered {given} instead of {status}: {}", connection.text());
            counted += u32::from((begin..end).contains(&Instant::now()));
        }
        Ok(counted)
    };
    let counted = try_join_all((0..connections).map(|_| client())).await?;
    Ok(f64::from(counted.iter().sum::<u32>()) / SPAN.as_secs_f64())
}

/// The next number of a xorshift generator.
pub fn step(state: &Cell<u64>) -> u64 {
    let mut next = state.get();
    next ^= next << 13;
    next ^= next >> 7;
    next ^= next << 17;
    state.set(next);
    next
}
