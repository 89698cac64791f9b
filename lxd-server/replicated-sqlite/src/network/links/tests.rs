//! Which links a change of the group ends.

use super::*;
use futures::FutureExt;

fn group(members: &[NodeId]) -> BTreeMap<NodeId, String> {
    members.iter().map(|member| (*member, String::new())).collect()
}

#[tokio::test]
async fn a_link_that_a_later_change_needs_outlives_an_earlier_one() {
    let identity = Identity { cluster: "c".to_owned(), incarnation: 1, node: 1 };
    let transport = Transport(Arc::new(|_, _| std::future::pending().boxed()));
    let (links, _lost) = Links::new(identity, transport, Options::default());
    // openraft has seen that 4 is added, and holds this; `follow` has only come to the addition of 3.
    let early = links.link(4, "");
    links.regroup(&group(&[1, 2]), &group(&[1, 2, 3]));
    assert!(Arc::ptr_eq(&early, &links.link(4, "")));
    links.regroup(&group(&[1, 2, 3, 4]), &group(&[1, 2, 3]));
    assert!(!links.heard().contains_key(&4));
    assert!(links.heard().contains_key(&3));
}
