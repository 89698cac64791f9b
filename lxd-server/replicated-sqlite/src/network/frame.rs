//! Frames: four bytes of length, little-endian, then a value encoded as everything else is.

use crate::codec::{decode, encode};
use crate::error::io;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Bytes of a frame at most: the largest entry, and what goes with it.
const MAX: usize = 64 << 20;
/// Frames that are put into one write.
const GATHER: usize = 64;

/// Reads one frame. The end of the stream between two frames is `UnexpectedEof`, too.
pub(crate) async fn read<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> Result<T> {
    let size = stream.read_u32_le().await? as usize;
    if size > MAX {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("a frame of {size} bytes is too long"),
        ));
    }
    let mut body = vec![0; size];
    stream.read_exact(&mut body).await?;
    decode(&body)
}

/// Writes one frame and sends it on its way.
pub(crate) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    value: &impl Serialize,
) -> Result<()> {
    let mut buffer = Vec::new();
    append(&mut buffer, value)?;
    stream.write_all(&buffer).await?;
    stream.flush().await
}

/// Writes frames as they come, all that wait in one go, until nobody can bring more.
pub(crate) async fn pump<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    frames: &mut mpsc::Receiver<T>,
) -> Result<()> {
    let (mut waiting, mut buffer) = (Vec::new(), Vec::new());
    while frames.recv_many(&mut waiting, GATHER).await > 0 {
        for frame in waiting.drain(..) {
            append(&mut buffer, &frame)?;
        }
        stream.write_all(&buffer).await?;
        stream.flush().await?;
        buffer.clear();
        buffer.shrink_to(1 << 20);
    }
    Ok(())
}

fn append(buffer: &mut Vec<u8>, value: &impl Serialize) -> Result<()> {
    let body = encode(value)?;
    if body.len() > MAX {
        return Err(Error::new(ErrorKind::InvalidInput, "a frame is too long"));
    }
    buffer.extend_from_slice(&u32::try_from(body.len()).map_err(io)?.to_le_bytes());
    buffer.extend_from_slice(&body);
    Ok(())
}
