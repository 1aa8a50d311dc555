//! Host functions in types of the host's own, by serde.

use std::future::Future;

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::ser::Serialize;
use serde_json::Value as Json;

use super::call::{AsyncCall, Call};
use super::engine::Engine;
use crate::model::error::Error;
use crate::model::function::HostError;
use crate::model::value::Value;

impl Engine {
    /// Registers a host function in types of the host's: a tuple has the arguments in their order, where one that is missing is nil, and so `None`
    /// of an `Option`, and those beyond it are left out; a `Vec` has all of them; any other type is the first one. What it returns becomes what it is
    /// as JSON. All else is as for [`function`](Self::function), which is faster.
    ///
    /// ```
    /// use perilune::{Engine, HostError, Request};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Order {
    ///     sku: String,
    ///     count: u32,
    /// }
    ///
    /// let engine = Engine::new();
    /// engine.typed_function("order", |(sku, count): (String, Option<u32>)| {
    ///     Ok::<_, HostError>(Order { sku, count: count.unwrap_or(1) })
    /// })?;
    /// let script = engine.compile("order", "return host.order('MOON-1').count, host.order('MOON-1', 3).count")?;
    /// assert_eq!(script.run(&Request::new())?.value.as_deref(), Some("[1,3]"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`function`](Self::function).
    pub fn typed_function<F, A, R, E>(&self, name: &str, function: F) -> Result<(), Error>
    where
        F: Fn(A) -> Result<R, E> + Send + Sync + 'static,
        A: DeserializeOwned,
        R: Serialize,
        E: Into<HostError>,
    {
        self.function(name, move |call| result_of(function(arguments_of(call)?)))
    }

    /// As [`typed_function`](Self::typed_function), for one that answers later: see [`async_function`](Self::async_function).
    ///
    /// ```
    /// use perilune::{Engine, HostError, Request};
    ///
    /// let engine = Engine::new();
    /// engine.typed_async_function("add", |(a, b): (f64, f64)| async move { Ok::<_, HostError>(a + b) })?;
    /// let script = engine.compile("sum", "return host.add(1, 2)")?;
    /// assert_eq!(script.submit(Request::new()).wait()?.value.as_deref(), Some("3"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`function`](Self::function).
    pub fn typed_async_function<F, Fut, A, R, E>(&self, name: &str, function: F) -> Result<(), Error>
    where
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        A: DeserializeOwned,
        R: Serialize,
        E: Into<HostError>,
    {
        self.async_function(name, move |call: AsyncCall| {
            let begun = arguments_of(&call.call()).map(&function);
            async move { result_of(begun?.await) }
        })
    }
}

/// The arguments of a call, as a type of the host's.
fn arguments_of<A: DeserializeOwned>(call: &Call<'_>) -> Result<A, HostError> {
    let arguments = (0..call.len()).map(|index| call.get(index)).collect::<Result<_, _>>()?;
    A::deserialize(Arguments(arguments)).map_err(|error| HostError::new(format!("the arguments: {error}")))
}

/// What a script gets.
fn result_of<R: Serialize, E: Into<HostError>>(result: Result<R, E>) -> Result<Value, HostError> {
    let json = serde_json::to_vec(&result.map_err(Into::into)?);
    let value = json.map_err(|error| error.to_string());
    let value = value.and_then(|json| Value::from_json(&json).map_err(|error| error.to_string()));
    value.map_err(|error| HostError::new(format!("the host's result is no value: {error}")))
}

/// All arguments of a call.
struct Arguments(Vec<Json>);

impl Arguments {
    fn first(self) -> Json {
        self.0.into_iter().next().unwrap_or_default()
    }

    fn all<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().map(IntoDeserializer::into_deserializer)))
    }
}

/// Has the first argument read by each of these.
macro_rules! of_the_first {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            fn $name<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
                self.first().$name($($argument,)* visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Arguments {
    type Error = serde_json::Error;

    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.resize(len, Json::Null);
        self.all(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.all(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    of_the_first! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_map();
        deserialize_identifier();
        deserialize_ignored_any();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }
}
