//! The connections of lanes, all of which have one thread.

use std::future::{Future, poll_fn};
use std::task::Poll;

use inkstone::db::pool::ThreadPools;

use crate::harness::cluster;

#[actix_web::test]
async fn who_waits_for_a_connection_of_a_thread_takes_none_away_from_other_threads() {
    let db = cluster::fresh_database().await;
    let pools = ThreadPools::new(&db.url, 2, 1);
    let own = pools.get().await.unwrap().unwrap();
    let mut second = Box::pin(pools.get());
    let is_waiting = poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_pending())).await;
    assert!(is_waiting, "the thread has one connection");
    assert_eq!((pools.status().in_use, pools.status().waiting), (1, 1));
    drop(own);
    assert!(second.await.unwrap().is_ok());
}
