//! A daemon that gives prepared answers on a unix socket, and remembers what it was sent.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Removed with its folder when dropped; its threads end with the test.
pub(crate) struct Stub {
    folder: TempDir,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    sent: Receiver<String>,
}

#[derive(Clone)]
struct Answer {
    status: String,
    body: String,
}

struct Request {
    /// Method and path.
    line: String,
    etag: String,
    /// Whether it takes data of any age.
    stale: bool,
    body: String,
}

/// Longer than any request takes on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// More requests than any test makes.
const SENT_MAX: usize = 1000;

impl Stub {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let listener = UnixListener::bind(folder.path().join("unix.socket")).expect("a socket");
        let answers = Arc::new(Mutex::new(HashMap::new()));
        let (sender, sent) = sync_channel(SENT_MAX);
        let shared = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, sender) = (Arc::clone(&shared), sender.clone());
                thread::spawn(move || serve(&stream, &answers, &sender));
            }
        });
        Self { folder, answers, sent }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("unix.socket")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Answers this method and path so from now on; status `hang` never answers, and `stale` gives data of 12 s
    /// ago to whoever takes it.
    pub(crate) fn answer(&self, line: &str, status: &str, body: &str) {
        let answer = Answer { status: status.to_owned(), body: body.to_owned() };
        self.answers.lock().expect("no test panicked").insert(line.to_owned(), answer);
    }

    /// Requests so far, without those returned before.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.try_iter().collect()
    }

    /// Waits for a request.
    pub(crate) fn wait(&self) -> String {
        self.sent.recv_timeout(WAIT_MAX).expect("a request comes")
    }
}

fn serve(stream: &UnixStream, answers: &Mutex<HashMap<String, Answer>>, sent: &SyncSender<String>) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read(&mut reader) {
        let answer = answers.lock().expect("no test panicked").get(&request.line).cloned();
        let Request { line, etag, stale, body } = request;
        let _ = sent.send([line, etag, body].join(" ").trim_end().to_owned());
        let answer = answer.unwrap_or_else(|| refusal(404, "not found"));
        let answer = match answer.status.as_str() {
            "stale" if stale => Answer { status: STALE.to_owned(), ..answer },
            "stale" => refusal(503, "The cluster has no majority"),
            _ => answer,
        };
        if answer.status == "hang" {
            continue;
        }
        let Answer { status, body } = answer;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nEtag: \"tag\"\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        if (&*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The head of an answer that is not the latest.
const STALE: &str =
    "200 OK\r\nAge: 12\r\nWarning: 110 lxd \"The cluster has no majority, so there.\"";

fn refusal(status: u16, text: &str) -> Answer {
    let body = format!(
        r#"{{"type":"error","status":"","status_code":0,"operation":"","error_code":{status},"error":"{text}","metadata":null}}"#
    );
    Answer { status: status.to_string(), body }
}

fn read(reader: &mut BufReader<&UnixStream>) -> io::Result<Option<Request>> {
    let (mut line, mut etag, mut stale, mut length) = (String::new(), String::new(), false, 0);
    let mut header = String::new();
    while reader.read_line(&mut header)? > 0 {
        let text = header.trim_end();
        if text.is_empty() {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let body = String::from_utf8(body).map_err(io::Error::other)?;
            return Ok(Some(Request { line, etag, stale, body }));
        }
        match text.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(io::Error::other)?;
            }
            Some((name, value)) if name.eq_ignore_ascii_case("if-match") => {
                etag = format!("if-match={value}");
            }
            Some((name, "max-stale")) if name.eq_ignore_ascii_case("cache-control") => stale = true,
            Some(_) => {}
            None => line = text.trim_end_matches(" HTTP/1.1").to_owned(),
        }
        header.clear();
    }
    Ok(None)
}
