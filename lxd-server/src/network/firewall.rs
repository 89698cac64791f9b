//! The nftables chains of one network, in LXD's layout: table `inet lxd`, chains `pstrt.NET` (NAT),
//! `fwd.NET`, `in.NET` and `out.NET`. Each change is one batch that the kernel takes whole or not.

use ipnet::IpNet;
use nftables::batch::Batch;
use nftables::expr::{
    Expression, Meta, MetaKey, NamedExpression, Payload, PayloadField, Prefix, SetItem,
};
use nftables::schema::{Chain, FlushObject, NfCmd, NfListObject, Rule, Table};
use nftables::stmt::{Match, NAT, NATFamily, Operator, Reject, RejectType, Statement};
use nftables::types::{NfChainPolicy, NfChainType, NfFamily, NfHook, RejectCode};

use super::Error;
use super::plan::{Dhcp6, Nat, Plan};
use crate::run::Program;

const TABLE: &str = "lxd";

/// A chain: the first part of its name, its type, hook and priority.
type Spec = (&'static str, NfChainType, NfHook, i32);

const POSTROUTING: Spec = ("pstrt", NfChainType::NAT, NfHook::Postrouting, 100);
const FORWARD: Spec = ("fwd", NfChainType::Filter, NfHook::Forward, 0);
const INPUT: Spec = ("in", NfChainType::Filter, NfHook::Input, 0);
const OUTPUT: Spec = ("out", NfChainType::Filter, NfHook::Output, 0);
const CHAINS: [Spec; 4] = [POSTROUTING, FORWARD, INPUT, OUTPUT];

const ICMP_TYPES: [&str; 3] = ["destination-unreachable", "time-exceeded", "parameter-problem"];
const ICMPV6_TYPES_IN: [&str; 8] = [
    "destination-unreachable",
    "packet-too-big",
    "time-exceeded",
    "parameter-problem",
    "nd-router-solicit",
    "nd-neighbor-solicit",
    "nd-neighbor-advert",
    "mld2-listener-report",
];
const ICMPV6_TYPES_OUT: [&str; 9] = [
    "destination-unreachable",
    "packet-too-big",
    "time-exceeded",
    "parameter-problem",
    "echo-request",
    "nd-router-advert",
    "nd-neighbor-solicit",
    "nd-neighbor-advert",
    "mld2-listener-report",
];

type Rules = Vec<Vec<Statement<'static>>>;

/// Makes the network's chains what the plan says, whatever they were.
pub(super) async fn apply(plan: &Plan) -> Result<(), Error> {
    let rules = [nat(plan), forward(plan), input(plan), output(plan)];
    commit(batch(&plan.name, CHAINS.into_iter().zip(rules).collect())).await
}

/// Removes the network's chains, and the table unless other networks use it.
pub(super) async fn remove(name: &str) -> Result<(), Error> {
    commit(batch(name, CHAINS.into_iter().map(|chain| (chain, Rules::new())).collect())).await?;
    let listed = Program::new("nft").args(["-j", "list", "table", "inet", TABLE]).run().await?;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap_or_default();
    let mut objects = listed["nftables"].as_array().into_iter().flatten();
    if objects.any(|object| object.get("chain").is_some()) {
        return Ok(());
    }
    Program::new("nft").args(["delete", "table", "inet", TABLE]).run().await?;
    Ok(())
}

async fn commit(batch: Batch<'static>) -> Result<(), Error> {
    let json = serde_json::to_vec(&batch.to_nftables()).expect("a batch is plain data");
    Program::new("nft").args(["-j", "-f", "-"]).stdin(json).run().await?;
    Ok(())
}

/// Makes each chain if it is not there and empties it; then fills it, or deletes it if no rules
/// are wanted.
fn batch(name: &str, chains: Vec<(Spec, Rules)>) -> Batch<'static> {
    let mut batch = Batch::new();
    batch.add(NfListObject::Table(Table {
        family: NfFamily::INet,
        name: TABLE.into(),
        handle: None,
    }));
    for (spec, rules) in chains {
        let chain = chain(spec, name);
        let name = chain.name.clone();
        batch.add(NfListObject::Chain(chain.clone()));
        batch.add_cmd(NfCmd::Flush(FlushObject::Chain(chain.clone())));
        if rules.is_empty() {
            batch.delete(NfListObject::Chain(chain));
        }
        for expr in rules {
            batch.add(NfListObject::Rule(Rule {
                family: NfFamily::INet,
                table: TABLE.into(),
                chain: name.clone(),
                expr: expr.into(),
                ..Rule::default()
            }));
        }
    }
    batch
}

fn chain((prefix, kind, hook, priority): Spec, name: &str) -> Chain<'static> {
    Chain {
        family: NfFamily::INet,
        table: TABLE.into(),
        name: format!("{prefix}.{name}").into(),
        _type: Some(kind),
        hook: Some(hook),
        prio: Some(priority),
        policy: Some(NfChainPolicy::Accept),
        ..Chain::default()
    }
}

fn nat(plan: &Plan) -> Rules {
    let v4 = plan.ipv4.as_ref().and_then(|v4| {
        let translate = match v4.nat.as_ref()? {
            Nat::Host => Statement::Masquerade(None),
            Nat::Address(address) => source_nat(NATFamily::IP, address.to_string()),
        };
        Some(leaving("ip", v4.address.trunc().into(), translate))
    });
    let v6 = plan.ipv6.as_ref().and_then(|v6| {
        let translate = match v6.nat.as_ref()? {
            Nat::Host => Statement::Masquerade(None),
            Nat::Address(address) => source_nat(NATFamily::IP6, address.to_string()),
        };
        Some(leaving("ip6", v6.address.trunc().into(), translate))
    });
    v4.into_iter().chain(v6).collect()
}

fn forward(plan: &Plan) -> Rules {
    let mut rules = Rules::new();
    let mut add = |header: &'static str, version: u32, verdict: Statement<'static>| {
        for key in [MetaKey::Oifname, MetaKey::Iifname] {
            let version = is(field(header, "version"), Expression::Number(version));
            rules.push(vec![version, interface(key, &plan.name), verdict.clone()]);
        }
    };
    if let Some(v4) = plan.ipv4.as_ref().filter(|v4| v4.firewall) {
        add("ip", 4, if v4.routing { accept() } else { unreachable(RejectType::ICMP) });
    }
    if let Some(v6) = plan.ipv6.as_ref().filter(|v6| v6.firewall) {
        add("ip6", 6, if v6.routing { accept() } else { unreachable(RejectType::ICMPv6) });
    }
    rules
}

fn input(plan: &Plan) -> Rules {
    services(plan, MetaKey::Iifname, "dport", &ICMPV6_TYPES_IN)
}

fn output(plan: &Plan) -> Rules {
    services(plan, MetaKey::Oifname, "sport", &ICMPV6_TYPES_OUT)
}

/// Lets the network's machines reach DNS and DHCP on the host, and the answers back.
fn services(
    plan: &Plan,
    direction: MetaKey,
    port: &'static str,
    icmpv6_types: &[&'static str],
) -> Rules {
    let mut rules = Rules::new();
    let mut add = |matched| rules.push(vec![interface(direction, &plan.name), matched, accept()]);
    let to = |protocol, number| is(field(protocol, port), Expression::Number(number));
    let v4 = plan.ipv4.as_ref().filter(|v4| v4.firewall);
    let v6 = plan.ipv6.as_ref().filter(|v6| v6.firewall);
    if v4.is_some() || v6.is_some() {
        add(to("tcp", 53));
        add(to("udp", 53));
    }
    if v4.is_some_and(|v4| v4.dhcp.is_some()) {
        add(is(field("icmp", "type"), one_of(&ICMP_TYPES)));
        add(to("udp", 67));
    }
    if v6.is_some_and(|v6| v6.dhcp != Dhcp6::Off) {
        add(is(field("icmpv6", "type"), one_of(icmpv6_types)));
        add(to("udp", 547));
    }
    rules
}

/// What comes from a subnet and goes elsewhere is translated.
fn leaving(
    header: &'static str,
    subnet: IpNet,
    translate: Statement<'static>,
) -> Vec<Statement<'static>> {
    let away = Statement::Match(Match {
        left: field(header, "daddr"),
        right: prefix(subnet),
        op: Operator::NEQ,
    });
    vec![is(field(header, "saddr"), prefix(subnet)), away, translate]
}

fn source_nat(family: NATFamily, address: String) -> Statement<'static> {
    Statement::SNAT(Some(NAT {
        addr: Some(Expression::String(address.into())),
        family: Some(family),
        port: None,
        flags: None,
    }))
}

fn accept() -> Statement<'static> {
    Statement::Accept(None)
}

fn unreachable(kind: RejectType) -> Statement<'static> {
    Statement::Reject(Some(Reject::new(Some(kind), Some(RejectCode::PortUnreach))))
}

fn interface(key: MetaKey, name: &str) -> Statement<'static> {
    let left = Expression::Named(NamedExpression::Meta(Meta { key }));
    is(left, Expression::String(name.to_owned().into()))
}

fn is(left: Expression<'static>, right: Expression<'static>) -> Statement<'static> {
    Statement::Match(Match { left, right, op: Operator::EQ })
}

fn field(protocol: &'static str, field: &'static str) -> Expression<'static> {
    let field = PayloadField { protocol: protocol.into(), field: field.into() };
    Expression::Named(NamedExpression::Payload(Payload::PayloadField(field)))
}

fn prefix(net: IpNet) -> Expression<'static> {
    let addr = Box::new(Expression::String(net.addr().to_string().into()));
    Expression::Named(NamedExpression::Prefix(Prefix { addr, len: net.prefix_len().into() }))
}

fn one_of(names: &[&'static str]) -> Expression<'static> {
    let items = names.iter().map(|name| SetItem::Element(Expression::String((*name).into())));
    Expression::Named(NamedExpression::Set(items.collect()))
}
