//! What keeps a worker from the system, as a host is told.

/// What keeps a worker from the system, beside its VM: each with why it is missing, where the system does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sandbox {
    /// Only system calls that computing needs (seccomp).
    pub system_calls: Result<(), String>,
    /// No file can be opened, and no port (Landlock).
    pub files: Result<(), String>,
    /// A user and a network of its own (namespaces).
    pub namespaces: Result<(), String>,
    /// Bounds of memory, processes, descriptors and files (resource limits), and no dumps.
    pub resources: Result<(), String>,
}
