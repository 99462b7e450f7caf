//! This node among those of its database: its name, and what it runs.

use std::str::FromStr;

use super::Source;

/// What a node may run.
const ROLES: [&str; 6] = ["api", "ws", "indexer", "aggregator", "monitor", "ipfs"];

/// This node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Its name among the nodes of its database. The same after a restart: then it need not wait for its own old lease.
    pub id: String,
    /// What it runs.
    pub roles: Roles,
}

/// Which services a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// The REST API.
    pub api: bool,
    /// The WebSocket server.
    pub ws: bool,
    /// The event indexer: its server, and whatever holds the lease (listener, writer, and all else that one node does).
    pub indexer: bool,
    /// The vote aggregator, while this node holds the lease of governance.
    pub aggregator: bool,
    /// The market monitor, while this node holds the lease of governance.
    pub monitor: bool,
    /// Snapshots of discussions, while this node holds the lease of those.
    pub ipfs: bool,
}

impl Roles {
    /// It asks for the lease of governance.
    pub fn governs(self) -> bool {
        self.aggregator || self.monitor
    }

    /// The role that it lacks of the two that govern, where it has the other. They share a lease.
    pub fn half_governs(self) -> Option<&'static str> {
        match (self.aggregator, self.monitor) {
            (true, false) => Some("monitor"),
            (false, true) => Some("aggregator"),
            _ => None,
        }
    }
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named: Vec<&str> = text.split(',').map(str::trim).filter(|role| !role.is_empty()).collect();
        if named.is_empty() || named.iter().any(|role| !ROLES.contains(role)) {
            return Err(format!("some of {}", ROLES.join(",")));
        }
        let has = |role| named.contains(&role);
        Ok(Self {
            api: has("api"),
            ws: has("ws"),
            indexer: has("indexer"),
            aggregator: has("aggregator"),
            monitor: has("monitor"),
            ipfs: has("ipfs"),
        })
    }
}

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source, api_port: Option<u16>) -> Option<NodeConfig> {
    source.topic("This node, where several work on one database (docs/operating.md)");
    let id: Option<String> = source.value(
        "NODE_ID",
        "",
        "its name, another for each node and the same after a restart; default: the host's name and API_PORT",
    );
    let roles: Option<Roles> = source.value(
        "ROLES",
        "api,ws,indexer,aggregator,monitor,ipfs",
        "what it runs; without indexer it never writes the journal, without aggregator and monitor it never governs",
    );
    let id = id.map(|id| if id.is_empty() { default_id(api_port.unwrap_or_default()) } else { id });
    if id.as_ref().is_some_and(|id| id.len() > 255 || id.contains(char::is_control)) {
        source.refuse("NODE_ID", "no more than 255 characters");
    }
    Some(NodeConfig { id: id?, roles: roles? })
}

/// Any free port says nothing of who one was before: then the process is the node.
fn default_id(api_port: u16) -> String {
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    match api_port {
        0 => format!("{host}:0/{}", std::process::id()),
        port => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_runs_what_it_is_told_to_and_something_at_least() {
        let read_roles = |roles: &'static str| {
            let mut source = Source::new(move |name| (name == "ROLES").then(|| roles.to_owned()));
            let node = read(&mut source, Some(4_000));
            source.finish().map(|()| node.unwrap().roles).map_err(|error| error.to_string())
        };
        let none = Roles { api: false, ws: false, indexer: false, aggregator: false, monitor: false, ipfs: false };
        let all = Roles { api: true, ws: true, indexer: true, aggregator: true, monitor: true, ipfs: true };
        assert_eq!(read_roles(""), Ok(all));
        assert_eq!(read_roles("ws, api"), Ok(Roles { api: true, ws: true, ..none }));
        assert_eq!(read_roles("indexer,monitor"), Ok(Roles { indexer: true, monitor: true, ..none }));
        assert_eq!(read_roles("aggregator"), Ok(Roles { aggregator: true, ..none }));
        assert!(all.governs() && !read_roles("api,ws,indexer").unwrap().governs());
        let lacks = |roles| read_roles(roles).unwrap().half_governs();
        assert_eq!(
            ["", "api", "aggregator", "api,monitor"].map(lacks),
            [None, None, Some("monitor"), Some("aggregator")]
        );
        assert_eq!(read_roles("ipfs"), Ok(Roles { ipfs: true, ..none }));
        for wrong in ["api,everything", ","] {
            assert!(read_roles(wrong).unwrap_err().contains("ROLES"), "{wrong:?}");
        }
    }

    #[test]
    fn a_node_keeps_its_name_over_a_restart_unless_its_port_is_any() {
        assert_eq!(default_id(4_000), default_id(4_000));
        assert_ne!(default_id(4_000), default_id(4_001));
        assert!(default_id(0).ends_with(&std::process::id().to_string()));
    }
}
