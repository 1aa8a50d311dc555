//! Arguments of a call, kept as values: those that a worker tells of, and those of a call that is answered later.

use std::sync::Arc;

use super::cancel::CancelHandle;
use super::deadline::Deadline;
use super::function::Arguments;
use super::request::RequestData;
use super::value::Value;

/// One argument.
pub(crate) struct Argument {
    pub(crate) kind: &'static str,
    /// What it is, or why it is no value.
    pub(crate) value: Result<Value, String>,
    /// Why it is no JSON, where it is none.
    pub(crate) no_json: Option<String>,
}

impl Argument {
    pub(crate) fn keep(arguments: &dyn Arguments, index: usize) -> Self {
        let value = arguments.value(index);
        // Others are JSON, whatever they hold: that is not tried for nothing.
        let may_be_none = match &value {
            Ok(Value::Null | Value::Bool(_) | Value::String(_)) => false,
            Ok(Value::Number(number)) => !number.is_finite(),
            Ok(Value::Array(_) | Value::Object(_)) | Err(_) => true,
        };
        let no_json = may_be_none.then(|| arguments.json(index).err()).flatten();
        Self { kind: arguments.kind(index), value, no_json }
    }
}

/// All of them, numbered from 0.
pub(crate) struct KeptArguments(pub(crate) Vec<Argument>);

impl KeptArguments {
    fn get(&self, index: usize) -> Option<&Value> {
        self.0.get(index)?.value.as_ref().ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn kind(&self, index: usize) -> &'static str {
        self.0.get(index).map_or("nothing", |argument| argument.kind)
    }

    pub(crate) fn is_null(&self, index: usize) -> bool {
        matches!(self.kind(index), "nothing" | "json.null" | "nil")
    }

    pub(crate) fn number(&self, index: usize) -> Option<f64> {
        self.get(index)?.as_f64()
    }

    pub(crate) fn boolean(&self, index: usize) -> Option<bool> {
        if let Value::Bool(flag) = self.get(index)? { Some(*flag) } else { None }
    }

    pub(crate) fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.get(index)?.as_bytes()
    }

    pub(crate) fn value(&self, index: usize) -> Result<Value, String> {
        self.0.get(index).map_or(Ok(Value::Null), |argument| argument.value.clone())
    }

    pub(crate) fn json(&self, index: usize) -> Result<Vec<u8>, String> {
        match self.0.get(index) {
            Some(Argument { no_json: Some(reason), .. }) => Err(reason.clone()),
            _ => serde_json::to_vec(&self.value(index)?).map_err(|error| format!(": {error}")),
        }
    }
}

/// A call that goes on after its begin, and the run that it is part of.
pub(crate) struct KeptCall {
    name: Box<str>,
    arguments: KeptArguments,
    run_id: u64,
    script: Arc<str>,
    deadline: Deadline,
    cancels: Vec<CancelHandle>,
    data: Option<RequestData>,
}

impl KeptCall {
    pub(crate) fn new(call: &dyn Arguments) -> Self {
        Self {
            name: call.name().into(),
            arguments: KeptArguments((0..call.len()).map(|index| Argument::keep(call, index)).collect()),
            run_id: call.run_id(),
            script: Arc::clone(call.script()),
            deadline: call.deadline(),
            cancels: call.cancels(),
            data: call.data().cloned(),
        }
    }
}

impl Arguments for KeptCall {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.arguments.len()
    }

    fn kind(&self, index: usize) -> &'static str {
        self.arguments.kind(index)
    }

    fn is_null(&self, index: usize) -> bool {
        self.arguments.is_null(index)
    }

    fn number(&self, index: usize) -> Option<f64> {
        self.arguments.number(index)
    }

    fn boolean(&self, index: usize) -> Option<bool> {
        self.arguments.boolean(index)
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.arguments.bytes(index)
    }

    fn value(&self, index: usize) -> Result<Value, String> {
        self.arguments.value(index)
    }

    fn json(&self, index: usize) -> Result<Vec<u8>, String> {
        self.arguments.json(index)
    }

    fn run_id(&self) -> u64 {
        self.run_id
    }

    fn script(&self) -> &Arc<str> {
        &self.script
    }

    fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn cancels(&self) -> Vec<CancelHandle> {
        self.cancels.clone()
    }

    fn is_cancelled(&self) -> bool {
        self.cancels.iter().any(CancelHandle::is_cancelled)
    }

    fn data(&self) -> Option<&RequestData> {
        self.data.as_ref()
    }
}
