//! A SQLite database that a group of members shares: Raft orders what transactions changed.
