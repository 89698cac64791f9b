//! Real sockets on loopback.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Extension;
use axum::routing::get;
use futures::future::BoxFuture;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::tls::{self, Authority, Identity, Membership};

/// Counts the replica streams that it is given.
#[derive(Default)]
struct Counter(Arc<AtomicUsize>);

impl ReplicaHandler for Counter {
    fn serve(
        &self,
        peer: CertificateDer<'static>,
        mut stream: TlsStream<TcpStream>,
    ) -> BoxFuture<'static, ()> {
        let count = self.0.clone();
        Box::pin(async move {
            assert_eq!(Membership::of_certificate(&peer).unwrap().node, 7);
            count.fetch_add(1, Ordering::Relaxed);
            stream.write_all(b"raft").await.unwrap();
            stream.shutdown().await.unwrap();
        })
    }
}

struct Server {
    listeners: Listeners,
    acceptors: watch::Sender<Acceptors>,
    identity: Identity,
    replicas: Arc<AtomicUsize>,
}

fn server() -> Server {
    let identity = Identity::generate("n1", &[]).unwrap();
    let public = tls::public_server(&identity).unwrap();
    let (acceptors, settings) = watch::channel(Acceptors { public, replica: None });
    let show = |Extension(peer): Extension<Peer>| async move {
        match peer {
            Peer::Unix { uid } => format!("uid {uid}"),
            Peer::Tls { certificate, .. } => certificate.unwrap().fingerprint.clone(),
        }
    };
    let replica = Counter::default();
    let replicas = replica.0.clone();
    let router = Router::new().route("/", get(show));
    let listeners = Listeners::default();
    listeners.start(Services { router, acceptors: settings, replica: Arc::new(replica) });
    Server { listeners, acceptors, identity, replicas }
}

impl Server {
    async fn listen(&self) -> SocketAddr {
        self.listeners.set_addresses(&[loopback(0)]).await.unwrap();
        self.listeners.addresses()[0]
    }

    fn client(&self) -> ClientConfig {
        tls::pinned_client(&self.identity.fingerprint, &self.identity).unwrap()
    }
}

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

async fn open(
    address: SocketAddr,
    config: ClientConfig,
    name: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Asks for `/` and returns the whole answer.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let request = "GET / HTTP/1.1\r\nHost: lxd\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn stalled_clients_block_nobody() {
    let server = server();
    let address = server.listen().await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.push(TcpStream::connect(address).await.unwrap());
    }
    // One stalls after its handshake, in the middle of a request.
    let mut half = open(address, server.client(), "lxd").await.unwrap();
    half.write_all(b"GET / HT").await.unwrap();
    let answer = ask(open(address, server.client(), "lxd").await.unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: "), "{answer}");
    assert!(answer.ends_with(&server.identity.fingerprint), "{answer}");
}

#[tokio::test]
async fn both_protocols_are_offered() {
    let server = server();
    let address = server.listen().await;
    for offered in [&b"h2"[..], b"http/1.1"] {
        let mut client = server.client();
        client.alpn_protocols = vec![offered.to_vec()];
        let stream = open(address, client, "lxd").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(offered));
    }
}

#[tokio::test]
async fn the_certificate_is_swapped_without_binding_again() {
    let server = server();
    let address = server.listen().await;
    let other = Identity::generate("cluster", &[]).unwrap();
    let public = tls::public_server(&other).unwrap();
    server.acceptors.send_replace(Acceptors { public, replica: None });
    assert!(open(address, server.client(), "lxd").await.is_err());
    let client = tls::pinned_client(&other.fingerprint, &server.identity).unwrap();
    assert!(open(address, client, "lxd").await.is_ok());
}

#[tokio::test]
async fn replica_streams_go_to_their_handler() {
    let server = server();
    let address = server.listen().await;
    let authority = Authority::generate("c0ffee").unwrap();
    let (key, public_key) = tls::member_key().unwrap();
    let member = Membership { cluster: "c0ffee".into(), incarnation: 1, node: 7 };
    let node = Identity::from_pem(authority.sign(&public_key, &member).unwrap(), key).unwrap();
    let client = Arc::unwrap_or_clone(tls::replica_client(&authority, &node).unwrap());
    let name = member.host_name();
    // Outside a cluster nobody takes them.
    assert!(open(address, client.clone(), &name).await.is_err());
    let replica = Some(tls::replica_server(&authority, &node).unwrap());
    server.acceptors.send_modify(|acceptors| acceptors.replica = replica);
    let mut stream = open(address, client, &name).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!((&*text, server.replicas.load(Ordering::Relaxed)), ("raft", 1));
}

#[tokio::test]
async fn an_address_that_cannot_be_bound_changes_nothing() {
    let server = server();
    let address = server.listen().await;
    let blocker = TcpListener::bind(loopback(0)).await.unwrap();
    let occupied = blocker.local_addr().unwrap();
    let error = server.listeners.set_addresses(&[occupied]).await.unwrap_err();
    assert_eq!(error.message, format!("listen tcp {occupied}: bind: address already in use"));
    assert_eq!(server.listeners.addresses(), [address]);
    assert!(open(address, server.client(), "lxd").await.is_ok());
}

#[tokio::test]
async fn a_wildcard_takes_over_the_port_of_an_address() {
    let server = server();
    let port = TcpListener::bind(loopback(0)).await.unwrap().local_addr().unwrap().port();
    let wildcard = SocketAddr::from(([0, 0, 0, 0], port));
    for wanted in [loopback(port), wildcard, loopback(port)] {
        server.listeners.set_addresses(&[wanted]).await.unwrap();
        assert_eq!(server.listeners.addresses(), [wanted]);
        assert!(open(loopback(port), server.client(), "lxd").await.is_ok());
    }
    server.listeners.set_addresses(&[]).await.unwrap();
    assert!(TcpStream::connect(loopback(port)).await.is_err());
}

#[tokio::test]
async fn the_unix_socket_is_for_its_group_and_replaces_a_stale_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("unix.socket");
    drop(UnixListener::bind(&path).unwrap());
    let socket = bind_unix(&path, Some("root")).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let server = server();
    server.listeners.serve_unix(socket);
    let answer = ask(tokio::net::UnixStream::connect(&path).await.unwrap()).await;
    let uid = rustix::process::getuid().as_raw();
    assert!(answer.ends_with(&format!("uid {uid}")), "{answer}");
    assert_eq!(bind_unix(&path, None).unwrap_err().message, "LXD is already running");
    assert!(bind_unix(&dir.path().join("x"), Some("no-such-group")).is_err());
    server.listeners.shutdown().await;
    assert!(tokio::net::UnixStream::connect(&path).await.is_err());
}

#[tokio::test]
async fn the_end_lets_requests_finish_and_closes_idle_connections() {
    let server = server();
    let address = server.listen().await;
    let mut idle = open(address, server.client(), "lxd").await.unwrap();
    server.listeners.shutdown().await;
    let mut rest = Vec::new();
    // Closed by the server: cleanly or with a reset.
    let _ = idle.read_to_end(&mut rest).await;
    assert!(TcpStream::connect(address).await.is_err());
}
