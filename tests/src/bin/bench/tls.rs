//! Many HTTPS connections that ask for the same again and again. The client does next to nothing, so
//! that what is measured is the daemon.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tests::{api::Api, host::Host};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime,
    task::JoinSet,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    },
};

const CONNECTIONS: u32 = 64;
const ASKING: Duration = Duration::from_secs(3);
const REQUEST: &[u8] =
    b"GET /1.0/cluster/members?recursion=1 HTTP/1.1\r\nHost: lxd\r\nAccept: */*\r\n\r\n";

/// A client that the cluster trusts.
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    /// Makes a certificate and adds it to the trust list of a host's daemon.
    pub(crate) fn trusted(host: &Host) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["bench".to_owned()])?;
        let der = made.cert.der().clone();
        let entry =
            json!({"type": "client", "name": "bench", "certificate": STANDARD.encode(&der)});
        Api::of(host).post("/1.0/certificates", &entry)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_client_auth_cert(vec![der], key.into())?;
        Ok(Self(Arc::new(config)))
    }

    /// Requests per second that a host's daemon answers.
    pub(crate) fn rate(&self, host: &Host) -> Result<f64> {
        host.namespace().enter_network(|| {
            let runtime = runtime::Builder::new_multi_thread().enable_all().build();
            runtime.context("start a runtime")?.block_on(self.ask_all(&host.endpoint()))
        })
    }

    async fn ask_all(&self, endpoint: &str) -> Result<f64> {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(endpoint).await.context("connect")?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from("lxd").context("name the server")?;
            streams.push(TlsConnector::from(self.0.clone()).connect(name, stream).await?);
        }
        let (begin, mut tasks, mut count) = (Instant::now(), JoinSet::new(), 0);
        for mut stream in streams {
            tasks.spawn(async move {
                let (mut buffer, mut count) = (Vec::new(), 0_u32);
                while begin.elapsed() < ASKING {
                    ask(&mut stream, &mut buffer).await?;
                    count += 1;
                }
                anyhow::Ok(count)
            });
        }
        while let Some(done) = tasks.join_next().await {
            count += done.context("a connection panicked")??;
        }
        Ok(f64::from(count) / begin.elapsed().as_secs_f64())
    }
}

/// One request and its whole answer.
async fn ask(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> Result<()> {
    stream.write_all(REQUEST).await?;
    buffer.clear();
    while !is_whole(buffer)? {
        ensure!(stream.read_buf(buffer).await? > 0, "the connection ended in an answer");
    }
    Ok(())
}

/// Whether an answer has arrived, by its length or its last chunk.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = std::str::from_utf8(&answer[..end]).context("read an answer's head")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    let head = head.to_ascii_lowercase();
    if let Some((_, rest)) = head.split_once("content-length: ") {
        let length: usize = rest.lines().next().unwrap_or_default().parse()?;
        return Ok(answer.len() >= end + 4 + length);
    }
    match head.contains("transfer-encoding: chunked") {
        true => Ok(answer.ends_with(b"0\r\n\r\n")),
        false => bail!("an answer without a length: {head}"),
    }
}

/// Takes every server for the right one: what is measured is not whom it talks to.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
