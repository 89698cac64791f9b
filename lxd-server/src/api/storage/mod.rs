//! `/1.0/storage-pools…`.

mod pools;

pub(super) use pools::routes;
