//! Scanners: what was not scanned is not kept.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use inkstone::operations::Role;
use serde_json::json;

use super::pictures::{holds, pdf};
use super::resuming::{append, begin};
use super::server::{FileServer, file};
use super::{Form, MEDIA, own_store, upload};
use crate::harness::process::write_file;
use crate::harness::{TestApp, files_below};

const VIRUS: &[u8] = b"a very bad virus";

/// A document with some words in it.
fn document(words: &[u8]) -> Vec<u8> {
    [&pdf(200), b"\n".as_slice(), words].concat()
}

/// A server of a clean document, a bad one, and one of which the scanner cannot tell.
async fn serve_documents() -> FileServer {
    let served = |words: &[u8]| file(&document(words), "application/pdf");
    let (clean, bad, unclear) = (served(b"clean"), served(VIRUS), served(b"unclear"));
    let answer = move |path: &str| match path {
        "/clean" => clean.clone(),
        "/bad" => bad.clone(),
        _ => unclear.clone(),
    };
    FileServer::start(Ipv4Addr::LOCALHOST, answer).await
}

/// Uploads on all paths: the clean is kept; the bad is refused, and what the scanner cannot tell is not kept.
async fn try_scanner(scanner: &str) {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = [
        flags.iter().map(String::as_str).collect(),
        vec!["--media-scanner", scanner, "--fetch-allow", "127.0.0.0/8"],
    ]
    .concat();
    let (app, _) = TestApp::start_with(&flags).await;
    let author = app.db_member(Role::Author).await;
    let server = serve_documents().await;
    for (words, name, wanted) in [
        (b"clean".as_slice(), "clean", None),
        (VIRUS, "bad", Some((422, "refused_file"))),
        (b"unclear", "unclear", Some((503, "unavailable"))),
    ] {
        let bytes = document(words);
        let parts = begin(&author, bytes.len(), &[]).await;
        let url = server.url(&format!("/{name}"));
        let answers = [
            upload(&author, "", &bytes).await,
            Form::default().file("a.pdf", &document(words)).send(&author).await,
            append(&author, &parts, 0, &document(words)[..bytes.len()]).await,
            author.post("/api/v1/media/from-url", json!({"url": url})).await,
        ];
        for answer in answers {
            match wanted {
                None => assert!([201, 204].contains(&answer.status), "{scanner} {}", answer.text()),
                Some((status, code)) => {
                    assert_eq!(answer.problem(), (status, code.to_owned()), "{scanner} {name}")
                }
            }
        }
    }
    assert_eq!(author.get(MEDIA).await.data(200).as_array().unwrap().len(), 4, "the clean ones");
    let kept = files_below(&folder.path().join("originals"));
    assert!(kept.iter().all(|path| holds(&std::fs::read(path).unwrap(), b"clean")), "{kept:?}");
}

#[actix_web::test]
async fn a_program_says_which_files_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        "#!/bin/sh\ngrep -q 'very bad virus' \"$1\" && exit 1\ngrep -q unclear \"$1\" && exit 2\nexit 0\n";
    let script = write_file(folder.path(), "scan.sh", script);
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    try_scanner(&script).await;
}

/// Reads what a client of `INSTREAM` sends, and answers as clamd does.
fn answer_as_clamd(mut stream: TcpStream) -> std::io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command)?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut bytes = Vec::new();
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 {
            break;
        }
        let start = bytes.len();
        bytes.resize(start + length, 0);
        stream.read_exact(&mut bytes[start..])?;
    }
    let answer: &[u8] = match () {
        () if holds(&bytes, VIRUS) => b"stream: Eicar-Test-Signature FOUND\0",
        () if holds(&bytes, b"unclear") => b"INSTREAM size limit exceeded. ERROR\0",
        () => b"stream: OK\0",
    };
    stream.write_all(answer)
}

#[actix_web::test]
async fn clamd_says_which_files_are_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer_as_clamd(stream));
        }
    });
    try_scanner(&format!("clamd://{address}")).await;
}

#[actix_web::test]
async fn without_its_scanner_a_server_keeps_no_file() {
    // A port on which nobody listens any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let scanner = format!("clamd://{address}");
    let (app, _) = TestApp::start_with(&["--media-scanner", &scanner]).await;
    let author = app.db_member(Role::Author).await;
    let refused = upload(&author, "", &pdf(99)).await;
    assert_eq!(refused.problem(), (503, "unavailable".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(author.get(MEDIA).await.data(200), json!([]));
}
