//! What one `firewalld` task is about, and how firewalld's programs name it.

use super::{Args, State};
use crate::module::Failure;
use crate::value::{Map, Value};

/// The subject of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Parts of a zone that are there or not, and whether they should be.
    Parts(Vec<Part>, bool),
    /// What becomes of packets that nothing else decides on.
    Target(&'static str),
    /// The zone itself, and whether it should be there.
    Zone(bool),
}

/// A part of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name in options: `port` of `--add-port`.
    pub option: &'static str,
    /// The value of the option, if it takes one.
    pub value: Option<String>,
}

impl Part {
    /// The option for `query`, `add`, `change` or `remove`.
    pub fn word(&self, verb: &str) -> String {
        let option = self.option;
        self.value.as_ref().map_or(format!("--{verb}-{option}"), |value| format!("--{verb}-{option}={value}"))
    }

    /// The verb that puts it there. An interface may have to leave another zone.
    pub fn adds_by(&self) -> &'static str {
        if self.option == "interface" { "change" } else { "add" }
    }

    /// Whether firewalld can take it away again after a time.
    pub fn can_expire(&self) -> bool {
        !matches!(self.option, "interface" | "source" | "forward" | "icmp-block-inversion")
    }

    /// What messages call it.
    pub fn label(&self) -> String {
        self.value.as_ref().map_or(self.option.to_owned(), |value| {
            format!("{} {value}", self.option.replace("rich-rule", "rich_rule"))
        })
    }
}

/// The subject of a task's arguments.
pub fn subject(args: &Args) -> Result<Subject, Failure> {
    let valued = [
        ("icmp-block", &args.icmp_block),
        ("service", &args.service),
        ("protocol", &args.protocol),
        ("port", &args.port),
        ("rich-rule", &args.rich_rule),
        ("interface", &args.interface),
        ("source", &args.source),
    ];
    let flags = [
        ("icmp-block-inversion", args.icmp_block_inversion),
        ("forward", args.forward),
        ("masquerade", args.masquerade),
    ];
    let enabled = match args.state {
        State::Enabled => Some(true),
        State::Disabled => Some(false),
        State::Present | State::Absent => None,
    };
    if let Some(target) = args.target {
        let is_on = matches!(args.state, State::Enabled | State::Present);
        return Ok(Subject::Target(if is_on { target.as_str() } else { "default" }));
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut wanted = enabled;
    for (option, value) in valued {
        parts.extend(value.iter().map(|value| Part { option, value: Some(value.clone()) }));
    }
    for (option, flag) in flags {
        if let Some(flag) = flag {
            parts.push(Part { option, value: None });
            // `masquerade: false` with `state: enabled` means that there is none.
            wanted = enabled.map(|enabled| enabled == flag);
        }
    }
    for forward in args.port_forward.iter().flatten() {
        parts.push(Part { option: "forward-port", value: Some(forward_port(forward)?) });
    }
    if let Some(port) = args.port.as_deref().filter(|port| !port.contains('/')) {
        return Err(Failure::new(format!("improper port format (missing protocol?): {port}")));
    }
    match (parts.is_empty(), wanted) {
        (false, Some(wanted)) => Ok(Subject::Parts(parts, wanted)),
        (false, None) => Err(Failure::new("absent and present state can only be used in zone level operations")),
        (true, None) if args.zone.is_some() => Ok(Subject::Zone(args.state == State::Present)),
        (true, None) => Err(Failure::new("zone is required with state present and absent")),
        (true, Some(_)) => Err(Failure::new(
            "nothing to enable or disable: give a port, a service, or another part of a zone; \
             zones themselves are present or absent",
        )),
    }
}

/// `port=80:proto=tcp:toport=8080:toaddr=10.0.0.1`, as firewalld's programs take it.
fn forward_port(forward: &Map) -> Result<String, Failure> {
    const KEYS: [&str; 4] = ["port", "proto", "toport", "toaddr"];
    if let Some(key) = forward.keys().map(ToString::to_string).find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Failure::new(format!("port_forward has no option '{key}'; it has {}", KEYS.join(", "))));
    }
    let text = |key: &str| forward.get(key).filter(|value| !value.is_null()).map(Value::to_string);
    let mut words = Vec::new();
    for key in KEYS {
        match text(key).filter(|text| !text.is_empty()) {
            Some(proto) if key == "proto" && !matches!(proto.as_str(), "tcp" | "udp") => {
                return Err(Failure::new(format!("port_forward: proto must be one of: udp, tcp, got: {proto}")));
            }
            Some(text) => words.push(format!("{key}={text}")),
            None if key == "toaddr" => {}
            None => return Err(Failure::new(format!("port_forward: missing required argument: {key}"))),
        }
    }
    Ok(words.join(":"))
}
