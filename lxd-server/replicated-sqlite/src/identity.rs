//! Who a member is.

use crate::types::NodeId;

/// What both ends of every stream must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The group, by a name that no other group has (a UUID).
    pub cluster: String,
    /// Counts the recoveries from a lost majority: members of an earlier one are refused.
    pub incarnation: u64,
    /// This member.
    pub node: NodeId,
}
