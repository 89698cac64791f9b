//! One replica on this host: its directory below `database/`, its keys, its database.
//!
//! A directory is founded whole or prepared whole before the local database points to it; what a
//! crash leaves beside it is removed at the next start.

use super::Transport;
use crate::db::SCHEMA;
use crate::db::tables::{cluster_certificate, members};
use crate::error::{Context, Error, Kind, Result};
use crate::tls::{self, Authority, Identity, Membership, NewFile, write_files};
use futures::FutureExt;
use replicated_sqlite::{Db, Options};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file that says which members were asked for activation.
const ACTIVATING: &str = "activating";

/// A replica that runs.
pub struct Replica {
    /// Its directory's name, below `database/`.
    pub directory: String,
    /// Which member of which cluster it is.
    pub membership: Membership,
    /// What signs the members' keys.
    pub authority: Arc<Authority>,
    /// For accepting the streams of the other members' replicas.
    pub acceptor: Arc<rustls::ServerConfig>,
    /// The cluster's public certificate; `None` on a server that is in no cluster.
    pub cluster: Option<Arc<Identity>>,
    /// The database.
    pub db: Db,
    path: PathBuf,
}

/// What a joiner gets from the member that accepts it.
pub struct Accepted {
    /// The authority: certificate and key.
    pub authority: Authority,
    /// This member's key and its certificate, signed by the authority.
    pub member: Identity,
    /// The cluster's public certificate.
    pub cluster: Identity,
}

impl Replica {
    /// Founds a group of one: a server without a cluster is that, too.
    pub async fn found(database: &Path, options: &Options) -> Result<Self> {
        let membership =
            Membership { cluster: uuid::Uuid::new_v4().to_string(), incarnation: 1, node: 1 };
        let authority = Authority::generate(&membership.cluster)?;
        let (key, public) = tls::member_key()?;
        let member = Identity::from_pem(authority.sign(&public, &membership)?, key)?;
        let directory = new_directory(database, &authority, &member, None)?;
        let replica = Self::open(database, &directory, options).await?;
        replica.db.bootstrap("").await?;
        replica.db.migrate(SCHEMA).await?;
        Ok(replica)
    }

    /// Stands in for the lost replica in a directory while its member has no other: an empty database that
    /// belongs to no group, takes no stream and says `why`.
    pub async fn stand_in(
        database: &Path,
        lost: &str,
        cluster: Identity,
        why: String,
        options: &Options,
    ) -> Result<Self> {
        let membership =
            Membership { cluster: uuid::Uuid::new_v4().to_string(), incarnation: 1, node: 0 };
        let authority = Authority::generate(&membership.cluster)?;
        let (key, public) = tls::member_key()?;
        let member = Identity::from_pem(authority.sign(&public, &membership)?, key)?;
        let directory = new_directory(database, &authority, &member, Some(&cluster))?;
        let replica = Self::open(database, &directory, options).await?;
        replica.db.set_trouble(Some(why));
        Ok(Self { directory: lost.to_owned(), ..replica })
    }

    /// Whether this only stands in for one that is lost.
    pub fn is_stand_in(&self) -> bool {
        self.membership.node == 0
    }

    /// Prepares a directory for the replica of a member that was accepted; returns its name.
    pub fn prepare(database: &Path, accepted: &Accepted) -> Result<String> {
        let Accepted { authority, member, cluster } = accepted;
        new_directory(database, authority, member, Some(cluster))
    }

    /// Opens the replica in a directory.
    pub async fn open(database: &Path, directory: &str, options: &Options) -> Result<Self> {
        let path = database.join(directory);
        if !path.exists() {
            return Err(Error::new(Kind::Lost, "The replica's directory is gone"));
        }
        let authority = Authority::load(&path)?.context("find the members' authority")?;
        let identity = Identity::load(&path, "node")?.context("find this member's certificate")?;
        let membership = Membership::of_certificate(identity.der())?;
        let transport = Transport::new(&authority, &identity, membership.clone())?;
        let cluster = Identity::load(&path, "cluster")?.map(Arc::new);
        let acceptor = tls::replica_server(&authority, &identity)?;
        let who = replicated_sqlite::Identity {
            cluster: membership.cluster.clone(),
            incarnation: membership.incarnation,
            node: membership.node,
        };
        let db = Db::open(&path, who, transport, options).await?;
        let authority = Arc::new(authority);
        Ok(Self {
            directory: directory.to_owned(),
            membership,
            authority,
            acceptor,
            cluster,
            db,
            path,
        })
    }

    /// The same replica, now of a cluster with this public certificate, or of none.
    pub fn of_cluster(&self, cluster: Option<Identity>) -> Self {
        Self {
            directory: self.directory.clone(),
            membership: self.membership.clone(),
            authority: self.authority.clone(),
            acceptor: self.acceptor.clone(),
            cluster: cluster.map(Arc::new),
            db: self.db.clone(),
            path: self.path.clone(),
        }
    }

    /// Takes away the certificate that a crash left while a cluster was founded or ended: the member has no
    /// name. Uses the one that has replaced it.
    pub async fn check_named(mut self) -> Result<Self> {
        let node = self.membership.node;
        let unnamed = |own: Option<members::Member>| own.is_some_and(|own| own.name == "none");
        let here = self.db.read_local(|tx| members::get(tx, node).boxed()).await;
        if self.cluster.is_some() && here.is_ok_and(unnamed) {
            // After a crash the state may be older than the log: only the group's word counts.
            let own = self.db.read(|tx| members::get(tx, node).boxed()).await;
            if own.is_ok_and(unnamed) {
                self.forget_cluster();
                self.cluster = None;
            }
        }
        if self.cluster.is_some() {
            // A replica that is older shows it as soon as it has it.
            let stored = self.db.read_local(|tx| cluster_certificate::get(tx).boxed()).await;
            if let Ok(Some((certificate, key))) = stored {
                self.cluster = Some(Arc::new(Identity::from_pem(certificate, key)?));
            }
        }
        Ok(self)
    }

    /// Notes that one of the members at these addresses is about to be asked for activation.
    pub fn mark_activating(&self, addresses: &[String]) -> Result<()> {
        let (name, content) = (ACTIVATING.to_owned(), addresses.join("\n"));
        write_files(&self.path, &[NewFile { name, content: &content, mode: 0o600 }])
    }

    /// Which members were about to be asked for activation of the replica in a directory.
    pub fn activating(database: &Path, directory: &str) -> Result<Vec<String>> {
        match fs::read_to_string(database.join(directory).join(ACTIVATING)) {
            Ok(addresses) => Ok(addresses.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).context("read who was asked for activation"),
        }
    }

    /// Keeps the cluster's public certificate beside the replica.
    pub fn save_cluster(&self) -> Result<()> {
        self.cluster.as_ref().map_or(Ok(()), |cluster| cluster.save(&self.path, "cluster"))
    }

    /// Takes the cluster's public certificate away again.
    pub fn forget_cluster(&self) {
        Identity::remove(&self.path, "cluster");
    }
}

/// Removes every replica's directory but those named.
pub fn remove_others(database: &Path, keep: &[&str]) -> Result<()> {
    for path in directories(database)? {
        let kept = path.file_name().is_some_and(|name| keep.iter().any(|keep| *keep == name));
        if !kept {
            fs::remove_dir_all(path).context("remove an old replica")?;
        }
    }
    Ok(())
}

/// Refuses a host that has replicas though its local database, which is made before the first, is gone: it
/// would be taken for a new host, and they for what a first start left behind.
pub fn refuse_replicas(database: &Path) -> Result<()> {
    let Some(found) = directories(database)?.into_iter().next() else { return Ok(()) };
    let (local, all) = (database.join("local.db"), database.display());
    Err(Error::internal(format_args!(
        "{} is gone, which says whether {} is in use. Put it back from a copy, or start afresh after: \
         mv {all} {all}.lost",
        local.display(),
        found.display(),
    )))
}

/// The directories of all replicas, in use or not.
fn directories(database: &Path) -> Result<Vec<PathBuf>> {
    let list = || -> std::io::Result<Vec<PathBuf>> {
        let entries: std::io::Result<Vec<_>> = fs::read_dir(database)?.collect();
        let replica =
            |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("replica-");
        Ok(entries?.iter().filter(|entry| replica(entry)).map(fs::DirEntry::path).collect())
    };
    list().context("list the replicas")
}

/// Makes a directory with all that a replica needs before it has data; returns its name.
fn new_directory(
    database: &Path,
    authority: &Authority,
    member: &Identity,
    cluster: Option<&Identity>,
) -> Result<String> {
    let name = format!("replica-{}", uuid::Uuid::new_v4().simple());
    let path = database.join(&name);
    let made = fs::DirBuilder::new().mode(0o700).create(&path);
    made.context("make the replica's directory")?;
    let cluster = cluster.map(|cluster| cluster.files("cluster"));
    let files = authority.files().into_iter().chain(member.files("node"));
    write_files(&path, &files.chain(cluster.into_iter().flatten()).collect::<Vec<_>>())?;
    Ok(name)
}
