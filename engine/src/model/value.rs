//! Values that are exchanged between a host and its scripts.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::model::json::{self, Container, JsonBuilder};

/// Reads JSON that was written here, in a type of the host's.
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // A value is at most 128 levels deep, which is one more than serde_json's own limit.
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A JSON-shaped value, whose strings may be any bytes. `Null` is `json.null` inside tables and `nil` as an argument or result, an empty array stays one. Objects are
/// equal whatever the order of their members, which differs between VMs.
///
/// ```
/// use perilune::Value;
///
/// let order = Value::object([("tags", Value::array(["new", "blue"])), ("id", Value::from(7))]);
/// assert_eq!(order.get("id").and_then(Value::as_f64), Some(7.0));
/// assert_eq!(Value::from(serde_json::json!({"id": 7, "tags": ["new", "blue"]})), order);
/// ```
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Any double, NaN and infinities included.
    Number(f64),
    /// Bytes, mostly UTF-8.
    String(Vec<u8>),
    /// Elements in order.
    Array(Vec<Value>),
    /// Members; of a repeated key the last counts.
    Object(Vec<(Vec<u8>, Value)>),
}

impl Value {
    /// How deep arrays and objects may nest, everywhere: in JSON, in a script's value and in a host's.
    pub const MAX_DEPTH: usize = json::MAX_DEPTH as usize;

    /// 2^53: the largest integer that scripts have as a number. One that is further from zero becomes a string of its digits.
    pub const MAX_EXACT: u64 = json::MAX_EXACT;

    /// An array of what can be values.
    pub fn array<V: Into<Self>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Array(elements.into_iter().map(Into::into).collect())
    }

    /// An object of keys and what can be values.
    pub fn object<K: Into<Vec<u8>>, V: Into<Self>>(members: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// Reads JSON text, as everywhere: numbers are the nearest double, but an integer beyond ±2^53 and within 64 bits
    /// becomes a string of its digits; half a surrogate pair becomes U+FFFD.
    ///
    /// # Errors
    /// It is no JSON, is nested deeper than 128 levels, or has a number that is beyond all doubles.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut values = ValueBuilder::default();
        match json::read(json, &mut values) {
            Ok(()) => Ok(values.pop()),
            Err(json::ReadError::Syntax { reason, at }) => {
                Err(serde::de::Error::custom(format_args!("{reason}: {}", json::position(json, at))))
            }
            Err(json::ReadError::Builder(never)) => match never {},
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The bytes, if it is a string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::String(bytes) = self { Some(bytes) } else { None }
    }

    /// The text, if it is a string of UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().rev().find(|(name, _)| name == key.as_ref()).map(|(_, value)| value)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        /// Collected, the last of a repeated key is left.
        fn by_key(members: &[(Vec<u8>, Value)]) -> HashMap<&[u8], &Value> {
            members.iter().map(|(key, value)| (&**key, value)).collect()
        }
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Array(one), Self::Array(other)) => one == other,
            (Self::Object(one), Self::Object(other)) => by_key(one) == by_key(other),
            _ => false,
        }
    }
}

/// Builds values on a stack.
#[derive(Default)]
struct ValueBuilder {
    stack: Vec<Value>,
    /// The pieces of the string that is being read.
    pieces: Vec<u8>,
}

impl ValueBuilder {
    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or_default()
    }
}

impl JsonBuilder for ValueBuilder {
    type Error = Infallible;

    fn null(&mut self) {
        self.stack.push(Value::Null);
    }

    fn boolean(&mut self, flag: bool) {
        self.stack.push(flag.into());
    }

    fn number(&mut self, number: f64) {
        self.stack.push(number.into());
    }

    fn string(&mut self, text: &[u8]) {
        self.stack.push(text.into());
    }

    fn piece(&mut self, text: &[u8]) -> Result<(), Infallible> {
        self.pieces.extend_from_slice(text);
        Ok(())
    }

    fn pieces(&mut self) {
        let text = std::mem::take(&mut self.pieces);
        self.stack.push(Value::String(text));
    }

    fn open(&mut self, kind: Container) {
        self.stack.push(if kind == Container::Array {
            Value::Array(Vec::new())
        } else {
            Value::Object(Vec::new())
        });
    }

    fn element(&mut self, _index: usize) {
        let element = self.pop();
        if let Some(Value::Array(elements)) = self.stack.last_mut() {
            elements.push(element);
        }
    }

    fn member(&mut self) {
        let (member, key) = (self.pop(), self.pop());
        if let (Value::String(key), Some(Value::Object(members))) = (key, self.stack.last_mut()) {
            members.push((key, member));
        }
    }

    /// Members are in the order of their keys, and of repeated ones there is the last.
    fn close(&mut self, _kind: Container) {
        if let Some(Value::Object(members)) = self.stack.last_mut() {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            members.dedup_by(|later, kept| {
                let repeated = later.0 == kept.0;
                if repeated {
                    std::mem::swap(later, kept);
                }
                repeated
            });
        }
    }

    fn safepoint(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// Exact up to ±2^53; beyond, its digits as a string.
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        if number.unsigned_abs() <= Self::MAX_EXACT {
            Self::Number(number as f64)
        } else {
            Self::from(number.to_string())
        }
    }
}

/// Exact up to 2^53; beyond, its digits as a string.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        if number <= Self::MAX_EXACT { Self::Number(number as f64) } else { Self::from(number.to_string()) }
    }
}

macro_rules! from_small_numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}

from_small_numbers!(f32 i8 i16 i32 u8 u16 u32);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::String(bytes.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::String(bytes)
    }
}

impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => flag.into(),
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => number.into(),
                (_, Some(number)) => number.into(),
                _ => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => text.into(),
            Json::Array(elements) => Self::array(elements),
            Json::Object(members) => Self::object(members),
        }
    }
}

/// As JSON: bytes that are not UTF-8 become U+FFFD, integral numbers up to ±2^53 have no fraction, NaN and infinities
/// are an error, as are two keys that would be one name.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => match json::integer(*number) {
                Some(integer) => serializer.serialize_i64(integer),
                None if number.is_finite() => serializer.serialize_f64(*number),
                None => Err(serde::ser::Error::custom(format_args!("{number} can't be JSON"))),
            },
            Self::String(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Self::Array(elements) => {
                let mut seq = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    seq.serialize_element(element)?;
                }
                seq.end()
            }
            Self::Object(members) => {
                let mut names = HashMap::with_capacity(members.len());
                for (index, (key, _)) in members.iter().enumerate() {
                    let name = String::from_utf8_lossy(key);
                    if let Some(earlier) = names.insert(name, index)
                        && members[earlier].0 != *key
                    {
                        let text =
                            format_args!("two keys would be the name {:?}", String::from_utf8_lossy(key));
                        return Err(serde::ser::Error::custom(text));
                    }
                }
                let mut map = serializer.serialize_map(Some(names.len()))?;
                for (index, (key, value)) in members.iter().enumerate() {
                    let name = String::from_utf8_lossy(key);
                    if names[&name] == index {
                        map.serialize_entry(&*name, value)?;
                    }
                }
                map.end()
            }
        }
    }
}

/// Its JSON; NaN and infinities by name.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_string(self) {
            Ok(json) => f.write_str(&json),
            Err(_) => write!(f, "{self:?}"),
        }
    }
}
