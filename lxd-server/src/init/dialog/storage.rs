//! Storage pools.

use super::ask::Answer;
use super::{Dialog, Host, Terminal};
use crate::error::Result;
use crate::init::automatic;
use shared_api::config::Map;
use shared_api::init;
use shared_api::name::PoolName;

impl<T: Terminal, H: Host> Dialog<'_, T, H> {
    /// A pool of a server of its own.
    pub(super) async fn pool(&mut self) -> Result<()> {
        let question = "Do you want to configure a new storage pool? (yes/no) [default=yes]: ";
        if !self.yes_no(question, Answer::Yes)? {
            return Ok(());
        }
        loop {
            let question = "Name of the new storage pool [default=default]: ";
            let name = self.valid(question, "default", |text| match text.parse::<PoolName>() {
                Ok(_) if text.contains(char::is_whitespace) => {
                    Err("Storage name cannot contain white space".to_owned())
                }
                Ok(name) => Ok(name.to_string()),
                Err(error) => Err(error.to_string()),
            })?;
            if !self.host.has_pool(&name).await? {
                return self.new_pool(name);
            }
            self.terminal.say(&format!(
                "The requested storage pool \"{name}\" already exists. Please choose another name.\n"
            ))?;
        }
    }

    /// A pool that every member of a new cluster is to have.
    pub(super) async fn local_pool(&mut self) -> Result<()> {
        loop {
            let question =
                "Do you want to configure a new local storage pool? (yes/no) [default=yes]: ";
            if !self.yes_no(question, Answer::Yes)? {
                return Ok(());
            }
            if !self.host.has_pool("local").await? {
                return self.new_pool("local".to_owned());
            }
            self.invalid_because("The local storage pool already exists")?;
        }
    }

    fn new_pool(&mut self, name: String) -> Result<()> {
        let driver = self.driver()?;
        let config = if driver == "btrfs" { self.btrfs(&name)? } else { Map::new() };
        self.add_device("root", automatic::root(&name));
        let pool = init::Pool { name, driver, config, ..init::Pool::default() };
        self.preseed.storage_pools = vec![pool];
        Ok(())
    }

    /// The driver, if there is more than one.
    fn driver(&mut self) -> Result<String> {
        let drivers = self.facts.drivers.clone();
        let default = drivers.first().cloned().unwrap_or_default();
        if drivers.len() < 2 {
            return Ok(default);
        }
        let question = format!(
            "Name of the storage backend to use ({}) [default={default}]: ",
            drivers.join(", ")
        );
        loop {
            let text = self.terminal.ask(&question)?;
            let driver = if text.is_empty() { default.clone() } else { text };
            if drivers.contains(&driver) {
                return Ok(driver);
            }
            self.invalid()?;
        }
    }

    /// What a pool of btrfs is made of.
    fn btrfs(&mut self, name: &str) -> Result<Map> {
        let key = |key: &str, value: String| Map::from([(key.to_owned(), value)]);
        if let Some(directory) = self.facts.btrfs.clone() {
            let question = format!(
                "Would you like to create a new btrfs subvolume under {directory}? (yes/no) [default=yes]: "
            );
            if self.yes_no(&question, Answer::Yes)? {
                return Ok(key("source", format!("{directory}/storage-pools/{name}")));
            }
        }
        if !self.yes_no("Create a new BTRFS pool? (yes/no) [default=yes]: ", Answer::Yes)? {
            let source = self.text("Name of the existing BTRFS pool or dataset: ")?;
            return Ok(key("source", source));
        }
        let question = "Would you like to use an existing empty block device (e.g. a disk or partition)? (yes/no) [default=no]: ";
        if self.yes_no(question, Answer::No)? {
            let host = self.host;
            let device = self.valid("Path to the existing block device: ", "", |path| {
                let is_block = host.is_block(path);
                is_block.then(|| path.to_owned()).ok_or(format!("{path:?} is not a block device"))
            })?;
            return Ok(key("source", device));
        }
        let default = format!("{}GiB", self.facts.file_size);
        let question =
            format!("Size in GiB of the new loop device (1GiB minimum) [default={default}]: ");
        let size = self.valid(&question, &default, |text| {
            match text.strip_suffix("GiB").unwrap_or(text).parse::<i64>() {
                Ok(size) if size < 1 => Err("Minimum size is 1GiB".to_owned()),
                Ok(size) => Ok(format!("{size}GiB")),
                Err(_) => Err(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")),
            }
        })?;
        Ok(key("size", size))
    }
}
