//! A host in memory for tests.
