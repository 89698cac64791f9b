//! Interfaces and addresses through the kernel's netlink socket, in the words of this module.

use std::fmt;
use std::net::IpAddr;
use std::pin::pin;

use futures::{TryStream, TryStreamExt};
use ipnet::IpNet;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage, AddressScope};
use rtnetlink::packet_route::link::{
    InfoBridge, InfoData, InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, Stats64,
};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use rtnetlink::{Handle, LinkBridge, LinkMessageBuilder, LinkUnspec};
use rustix::io::Errno;
use tokio_util::task::AbortOnDropHandle;

use super::Error;

/// What the kernel answers when there is no interface of a name.
const NO_DEVICE: i32 = -Errno::NODEV.raw_os_error();

/// An open netlink socket.
pub(super) struct Netlink {
    handle: Handle,
    _connection: AbortOnDropHandle<()>,
}

/// An interface.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) flags: LinkFlags,
    pub(super) mtu: u32,
    pub(super) hwaddr: Vec<u8>,
    /// `None`: a device of the machine itself.
    pub(super) kind: Option<InfoKind>,
    /// The bridge or bond that it is a port of.
    pub(super) controller: Option<u32>,
    pub(super) stats: Stats64,
    /// Of a bridge.
    pub(super) bridge: Vec<InfoBridge>,
}

/// An address of an interface.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) index: u32,
    pub(super) net: IpNet,
    pub(super) scope: AddressScope,
    message: AddressMessage,
}

impl Link {
    pub(super) fn is_bridge(&self) -> bool {
        self.kind == Some(InfoKind::Bridge)
    }

    pub(super) fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::Up)
    }
}

impl Netlink {
    /// Opens a socket in the calling thread's network namespace.
    pub(super) fn open() -> Result<Self, Error> {
        let (connection, handle, _) =
            rtnetlink::new_connection().map_err(failed("open a netlink socket"))?;
        let connection = AbortOnDropHandle::new(tokio::spawn(connection));
        Ok(Self { handle, _connection: connection })
    }

    /// The interface of a name, if there is one.
    pub(super) async fn link(&self, name: &str) -> Result<Option<Link>, Error> {
        let mut found = pin!(self.handle.link().get().match_name(name).execute());
        match found.try_next().await {
            Ok(message) => Ok(message.map(Link::from)),
            Err(rtnetlink::Error::NetlinkError(error)) if error.raw_code() == NO_DEVICE => Ok(None),
            Err(error) => Err(failed(format_args!("find interface {name:?}"))(error)),
        }
    }

    pub(super) async fn links(&self) -> Result<Vec<Link>, Error> {
        let messages = all(self.handle.link().get().execute(), "list interfaces").await?;
        Ok(messages.into_iter().map(Link::from).collect())
    }

    pub(super) async fn addresses(&self) -> Result<Vec<Held>, Error> {
        let messages = all(self.handle.address().get().execute(), "list addresses").await?;
        Ok(messages.into_iter().filter_map(Held::read).collect())
    }

    /// The destinations of all routes, without default routes and those of single local addresses.
    pub(super) async fn routes(&self) -> Result<Vec<IpNet>, Error> {
        let mut found = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut request = RouteMessage::default();
            request.header.address_family = family;
            let routes = all(self.handle.route().get(request).execute(), "list routes").await?;
            found.extend(routes.iter().filter_map(destination));
        }
        Ok(found)
    }

    pub(super) async fn add_bridge(&self, name: &str) -> Result<(), Error> {
        let request = self.handle.link().add(LinkMessageBuilder::<LinkBridge>::new(name).build());
        request.execute().await.map_err(failed(format_args!("create bridge {name:?}")))
    }

    /// Sets what differs and brings the interface up.
    pub(super) async fn configure(
        &self,
        link: &Link,
        mtu: u32,
        hwaddr: &[u8; 6],
    ) -> Result<(), Error> {
        let mut change = LinkUnspec::new_with_index(link.index).up();
        if link.mtu != mtu {
            change = change.mtu(mtu);
        }
        if link.hwaddr != hwaddr {
            change = change.address(hwaddr.to_vec());
        }
        let request = self.handle.link().set(change.build());
        request.execute().await.map_err(failed(format_args!("configure {:?}", link.name)))
    }

    /// Makes an interface a port of a bridge and brings it up, or frees it.
    pub(super) async fn set_controller(&self, port: &Link, bridge: u32) -> Result<(), Error> {
        let change = LinkUnspec::new_with_index(port.index).controller(bridge).up();
        let request = self.handle.link().set(change.build());
        request.execute().await.map_err(failed(format_args!("bridge {:?}", port.name)))
    }

    pub(super) async fn delete(&self, link: &Link) -> Result<(), Error> {
        let request = self.handle.link().del(link.index);
        request.execute().await.map_err(failed(format_args!("delete {:?}", link.name)))
    }

    pub(super) async fn add_address(&self, link: &Link, net: IpNet) -> Result<(), Error> {
        let request = self.handle.address().add(link.index, net.addr(), net.prefix_len());
        request.execute().await.map_err(failed(format_args!("add {net} to {:?}", link.name)))
    }

    pub(super) async fn remove_address(&self, held: Held) -> Result<(), Error> {
        let request = self.handle.address().del(held.message);
        request.execute().await.map_err(failed(format_args!("remove {}", held.net)))
    }
}

async fn all<T, S>(stream: S, action: &str) -> Result<Vec<T>, Error>
where
    S: TryStream<Ok = T, Error = rtnetlink::Error>,
{
    stream.try_collect().await.map_err(failed(action))
}

fn failed<E: std::error::Error + Send + Sync + 'static>(
    action: impl fmt::Display,
) -> impl FnOnce(E) -> Error {
    move |source| Error::Netlink { action: action.to_string(), source: Box::new(source) }
}

impl From<LinkMessage> for Link {
    fn from(message: LinkMessage) -> Self {
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            flags: message.header.flags,
            mtu: 0,
            hwaddr: Vec::new(),
            kind: None,
            controller: None,
            stats: Stats64::default(),
            bridge: Vec::new(),
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Mtu(mtu) => link.mtu = mtu,
                LinkAttribute::Address(hwaddr) => link.hwaddr = hwaddr,
                LinkAttribute::Controller(index) => link.controller = Some(index),
                LinkAttribute::Stats64(stats) => link.stats = stats,
                LinkAttribute::LinkInfo(infos) => infos.into_iter().for_each(|info| match info {
                    LinkInfo::Kind(kind) => link.kind = Some(kind),
                    LinkInfo::Data(InfoData::Bridge(bridge)) => link.bridge = bridge,
                    _ => {}
                }),
                _ => {}
            }
        }
        link
    }
}

impl Held {
    fn read(message: AddressMessage) -> Option<Self> {
        // The local address is another than "the" address on point-to-point links alone.
        let find = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| {
            message.attributes.iter().find_map(wanted)
        };
        let address = find(|attribute| match attribute {
            AddressAttribute::Local(address) => Some(*address),
            _ => None,
        })
        .or_else(|| {
            find(|attribute| match attribute {
                AddressAttribute::Address(address) => Some(*address),
                _ => None,
            })
        })?;
        let net = IpNet::new(address, message.header.prefix_len).ok()?;
        Some(Self { index: message.header.index, net, scope: message.header.scope, message })
    }
}

fn destination(route: &RouteMessage) -> Option<IpNet> {
    let length = route.header.destination_prefix_length;
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => {
            IpNet::new((*address).into(), length).ok()
        }
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => {
            IpNet::new((*address).into(), length).ok()
        }
        _ => None,
    })
}
