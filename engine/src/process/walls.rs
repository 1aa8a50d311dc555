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
    /// Bounds of memory, processes, descriptors and files (resource limits), no dumps, and an end with the host.
    pub resources: Result<(), String>,
}

impl Sandbox {
    /// The parts, each with its name, which is that of its field.
    pub fn parts(&self) -> [(&'static str, &Result<(), String>); 4] {
        let Self { system_calls, files, namespaces, resources } = self;
        [
            ("system_calls", system_calls),
            ("files", files),
            ("namespaces", namespaces),
            ("resources", resources),
        ]
    }

    /// What is missing and why, in words; nothing where the sandbox is whole.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let reason =
            |(name, part): (&str, &Result<(), String>)| Some(format!("{name}: {}", part.as_ref().err()?));
        let missing: Vec<_> = self.parts().into_iter().filter_map(reason).collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}
