//! A web server of other people, from which files are fetched.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::cluster;

/// A server on a loopback address. It answers one request a connection, and then closes it.
pub struct FileServer {
    pub address: SocketAddr,
    paths: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl FileServer {
    /// Starts one; `reply` makes whole answers, with their heads, of paths.
    pub async fn start(ip: Ipv4Addr, reply: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let paths: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, (tell, told)) = (paths.clone(), tokio::sync::oneshot::channel());
        let task = cluster::runtime().spawn(async move {
            let listener = TcpListener::bind((ip, 0)).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                let mut chunk = [0; 1024];
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut chunk).await {
                        Ok(read @ 1..) => head.extend_from_slice(&chunk[..read]),
                        _ => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let Some(path) = head.split(' ').nth(1) else { continue };
                seen.lock().unwrap().push(path.to_owned());
                let _ = stream.write_all(&reply(path)).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address: told.await.unwrap(), paths, task }
    }

    /// The address of a file on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that were asked for.
    pub fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a file.
pub fn file(bytes: &[u8], media_type: &str) -> Vec<u8> {
    let length = bytes.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

/// An answer without a body.
pub fn empty(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n{headers}\r\n").into_bytes()
}
